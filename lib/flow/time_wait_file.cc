#include "flow/time_wait_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>

#include "base/assert.h"

namespace mayfly::flow {
namespace {

constexpr std::uint64_t kMagic = 0x4d59'464c'5954'5749;  // "MYFLYTWI"
/// Changes with what is in a record, the index or the log's state.
constexpr std::uint32_t kLayout = 3;

Error cannot(const char* what, const std::string& path, int error = errno) {
  return {std::string("time_wait_file: cannot ") + what + " " + path + ": " + std::strerror(error),
          ErrorKind::usage};
}

/// The page size of the memory that the file is in; an error if it is on a disk.
Result<std::size_t> page_of(const Fd& fd, const std::string& path) {
  struct statfs place {};
  if (fstatfs(fd.get(), &place) != 0) return cannot("look at", path);
  if (place.f_type == HUGETLBFS_MAGIC || place.f_type == TMPFS_MAGIC)
    return static_cast<std::size_t>(place.f_bsize);
  return Error{"time_wait_file: " + path +
                   " is on a disk, and every entry would wait for it: name a place on tmpfs "
                   "(/dev/shm/...) or hugetlbfs (/dev/hugepages/...)",
               ErrorKind::usage};
}

std::size_t rounded(std::size_t bytes, std::size_t page) {
  return (bytes + page - 1) / page * page;
}

/// Opens it, and keeps other processes out until it is closed.
Result<Fd> open_locked(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
               S_IRUSR | S_IWUSR));
  if (!fd.is_open()) return cannot("open", path);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return cannot("lock", path);
    return Error{"time_wait_file: another process works with " + path +
                     ": end it, or give this one a file of its own",
                 ErrorKind::usage};
  }
  return fd;
}

/// How far the clocks of two servers may be apart, and after how long nothing is held any more.
constexpr Duration kClocksApart = Duration::from_s(60), kLongAgo = Duration::from_s(3'600);

Error not_taken(const std::string& path, const std::string& why) {
  return {path + ": " + why, ErrorKind::usage};
}

/// Reads all of it; false: the file is shorter, or cannot be read.
bool read_whole(const Fd& fd, std::span<std::byte> to, std::size_t from) {
  while (!to.empty()) {
    const ssize_t n = pread(fd.get(), to.data(), to.size(), static_cast<off_t>(from));
    if (n <= 0) return false;
    to = to.subspan(static_cast<std::size_t>(n));
    from += static_cast<std::size_t>(n);
  }
  return true;
}

/// Where the records begin, which depends on the pages of the file system that it was made on;
/// nullopt: no pages make a file of this size.
std::optional<std::size_t> records_at(std::size_t header, std::size_t records, std::size_t buckets,
                                      std::size_t size) {
  for (const std::size_t page : {std::size_t{1} << 12, std::size_t{1} << 21, std::size_t{1} << 30})
    if (rounded(header, page) + rounded(records, page) + rounded(buckets, page) == size)
      return rounded(header, page);
  return std::nullopt;
}

}  // namespace

struct TimeWaitFile::Header {
  std::uint64_t magic = kMagic;
  std::uint32_t layout = kLayout;
  std::uint32_t record_size = 0;
  std::uint64_t record_bytes = 0, bucket_bytes = 0;
  std::uint64_t secret = 0;
  std::uint32_t core = 0, cores = 0;
  std::int64_t clock_zero_us = 0;  ///< the process's clock when the machine was started
  std::atomic<std::uint32_t> is_whole = 0;
  alignas(64) TimeWaitMarks marks;
  alignas(64) std::array<std::byte, kStateSize> state;

  bool fits(const Header& other) const {
    return magic == other.magic && layout == other.layout && record_size == other.record_size &&
           record_bytes == other.record_bytes && bucket_bytes == other.bucket_bytes &&
           secret == other.secret && core == other.core && cores == other.cores;
  }
  void begin(const Header& other) {
    magic = other.magic;
    layout = other.layout;
    record_size = other.record_size;
    record_bytes = other.record_bytes;
    bucket_bytes = other.bucket_bytes;
    secret = other.secret;
    core = other.core;
    cores = other.cores;
  }
};

TimeWaitFile::Header& TimeWaitFile::header() const noexcept { return header_.as<Header>().front(); }
TimeWaitMarks& TimeWaitFile::marks() noexcept { return header().marks; }
const std::array<std::byte, TimeWaitFile::kStateSize>& TimeWaitFile::state() const noexcept {
  return header().state;
}

// The flag comes last: a process that is killed meanwhile leaves the marks.
void TimeWaitFile::leave(const std::array<std::byte, kStateSize>& state) noexcept {
  header().state = state;
  header().is_whole.store(1, std::memory_order_release);
}

// What was found counts once: if this process is killed, the marks are what it leaves.
void TimeWaitFile::look_at(const Header& expected) {
  Header& there = header();
  if (there.magic == 0) {
    found_ = Found::nothing;
  } else if (!there.fits(expected)) {
    found_ = Found::foreign;
  } else {
    found_ = there.is_whole.load() == 1 ? Found::whole : Found::marks;
    shift_ = Duration{expected.clock_zero_us - there.clock_zero_us};
  }
  there.is_whole.store(0);
  there.begin(expected);
  there.clock_zero_us = expected.clock_zero_us;
}

Result<TimeWaitFile::Opened> TimeWaitFile::open(const TimeWaitFileSpec& spec,
                                                std::size_t record_size, std::size_t record_bytes,
                                                std::size_t bucket_bytes) {
  auto fd = open_locked(spec.path);
  if (!fd) return fd.error();
  const auto page = page_of(*fd, spec.path);
  if (!page) return page.error();
  const std::size_t header_size = rounded(sizeof(Header), *page);
  const std::size_t records_size = rounded(record_bytes, *page);
  const std::size_t whole = header_size + records_size + rounded(bucket_bytes, *page);
  struct stat now {};
  if (fstat(fd->get(), &now) != 0) return cannot("look at", spec.path);
  const bool other_size = now.st_size != 0 && static_cast<std::size_t>(now.st_size) != whole;
  if (other_size && ftruncate(fd->get(), 0) != 0) return cannot("empty", spec.path);
  if (ftruncate(fd->get(), static_cast<off_t>(whole)) != 0)
    return cannot("make room in", spec.path);
  auto header = Region::map_file(fd->get(), 0, header_size);
  auto records = Region::map_file(fd->get(), header_size, records_size);
  auto buckets =
      Region::map_file(fd->get(), header_size + records_size, whole - header_size - records_size);
  for (const auto* region : {&header, &records, &buckets})
    if (!*region)
      return Error{"time_wait_file: no room for " + spec.path + ": " + region->error().what,
                   ErrorKind::usage};
  std::unique_ptr<TimeWaitFile> file(new TimeWaitFile(std::move(*fd), std::move(*header)));
  Header expected;
  expected.record_size = static_cast<std::uint32_t>(record_size);
  expected.record_bytes = record_bytes;
  expected.bucket_bytes = bucket_bytes;
  expected.secret = spec.secret;
  expected.core = spec.core;
  expected.cores = spec.cores;
  expected.clock_zero_us = spec.now.us - spec.up.us;
  file->look_at(expected);
  if (other_size) file->found_ = Found::foreign;
  if (file->found_ == Found::foreign) {
    std::memset(records->as<std::byte>().data(), 0, records->size());
    std::memset(buckets->as<std::byte>().data(), 0, buckets->size());
  }
  return Opened{std::move(file), std::move(*records), std::move(*buckets), record_bytes,
                bucket_bytes};
}

const char* TimeWaitFile::why_foreign(const Header& there, std::size_t record_size,
                                      std::uint64_t secret) {
  if (there.magic != kMagic) return "is no TIME_WAIT file";
  if (there.layout != kLayout || there.record_size != record_size)
    return "is of another layout: it was written by another version of mayfly";
  if (there.secret != secret)
    return "was written with another secret: what its entries stand for means nothing here";
  return nullptr;
}

Result<TimeWaitFile::Opened> TimeWaitFile::copy_of(const std::string& path, std::uint64_t secret,
                                                   std::size_t record_size, Instant now) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.is_open()) return not_taken(path, std::strerror(errno));
  if (flock(fd.get(), LOCK_SH | LOCK_NB) != 0)
    return not_taken(path, "a process works with it still, and holds what is in it");
  struct stat found {};
  if (fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode))
    return not_taken(path, "is no TIME_WAIT file");
  auto header = Region::map(sizeof(Header), HugePages::never);
  if (!header) return header.error();
  if (!read_whole(fd, header->as<std::byte>().first(sizeof(Header)), 0))
    return not_taken(path, "is no TIME_WAIT file: it is too short");
  Header& there = header->as<Header>().front();
  if (const char* why = why_foreign(there, record_size, secret)) return not_taken(path, why);
  const auto size = static_cast<std::size_t>(found.st_size);
  const bool fits = there.record_bytes < size && there.bucket_bytes < size;
  const auto at = fits ? records_at(sizeof(Header), there.record_bytes, there.bucket_bytes, size)
                       : std::nullopt;
  if (!at) return not_taken(path, "its parts do not add up to its size");
  auto records = Region::map(there.record_bytes, HugePages::never);
  auto buckets = Region::map(there.bucket_bytes, HugePages::never);
  if (!records) return records.error();
  if (!buckets) return buckets.error();
  if (!read_whole(fd, records->as<std::byte>().first(there.record_bytes), *at))
    return not_taken(path, "cannot be read");
  const Instant last{there.marks.now_us.load()};
  if (last.us < 0 || last > now + kClocksApart)
    return not_taken(path, "its clock is ahead of this one: do the servers have the same time?");
  std::unique_ptr<TimeWaitFile> file(new TimeWaitFile(std::move(fd), std::move(*header)));
  file->found_ = Found::marks;  // whoever left it: nothing but the records is believed
  file->shift_ = std::min(Duration{}, now - last);
  if (now - last > kLongAgo) there.marks.now_us.store((now - kLongAgo).us);
  const std::size_t record_bytes = there.record_bytes, bucket_bytes = there.bucket_bytes;
  return Opened{std::move(file), std::move(*records), std::move(*buckets), record_bytes,
                bucket_bytes};
}

}  // namespace mayfly::flow
