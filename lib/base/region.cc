#include "base/region.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace mayfly {
namespace {

constexpr std::size_t kNormalPage = 4'096, kHugePage = 2 << 20;

constexpr std::size_t whole_pages(std::size_t bytes, std::size_t page) {
  return (bytes + page - 1) / page * page;
}

/// nullptr and errno on failure.
void* map_zeroes(std::size_t bytes, int more_flags) noexcept {
  void* start = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | more_flags, -1, 0);
  return start == MAP_FAILED ? nullptr : start;
}

}  // namespace

Result<Region> Region::map(std::size_t bytes, HugePages want) {
  if (bytes > std::size_t{1} << 46)  // more than the address space, and the rounding could wrap
    return Error{"cannot map " + std::to_string(bytes) + " bytes: " + std::strerror(ENOMEM)};
  if (bytes == 0) return Region();
  if (want == HugePages::auto_) {
    const std::size_t size = whole_pages(bytes, kHugePage);
    if (void* start = map_zeroes(size, MAP_HUGETLB | MAP_HUGE_2MB))
      return Region(start, size, Pages::huge);
  }
  const std::size_t size = whole_pages(bytes, kNormalPage);
  void* start = map_zeroes(size, 0);
  if (start == nullptr)
    return Error{"cannot map " + std::to_string(bytes) + " bytes: " + std::strerror(errno)};
  const bool joined = want == HugePages::auto_ && ::madvise(start, size, MADV_HUGEPAGE) == 0;
  return Region(start, size, joined ? Pages::transparent : Pages::normal);
}

// What does not fit is an error here, and not a SIGBUS later.
Result<Region> Region::map_file(int fd, std::size_t offset, std::size_t bytes) {
  const auto cannot = [bytes] {
    return Error{"cannot map " + std::to_string(bytes) + " bytes: " + std::strerror(errno)};
  };
  const auto from = static_cast<off_t>(offset);
  if (::fallocate(fd, 0, from, static_cast<off_t>(bytes)) != 0) return cannot();
  void* start = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, from);
  if (start == MAP_FAILED) return cannot();
  return Region(start, bytes, Pages::normal);
}

void Region::touch() noexcept {
  if (size_ == 0 || ::madvise(start_, size_, MADV_POPULATE_WRITE) == 0) return;
  auto* bytes = static_cast<volatile std::byte*>(start_);  // a kernel before 5.14
  for (std::size_t at = 0; at < size_; at += kNormalPage) bytes[at] = bytes[at];
}

Region::~Region() {
  if (start_ != nullptr) ::munmap(start_, size_);
}

std::string_view name_of(Region::Pages pages) noexcept {
  switch (pages) {
    case Region::Pages::huge: return "huge";
    case Region::Pages::transparent: return "transparent";
    case Region::Pages::normal: return "normal";
  }
  return "normal";
}

}  // namespace mayfly
