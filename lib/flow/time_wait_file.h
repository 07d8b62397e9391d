// The file in which the TIME_WAIT log of a core outlives its process: a header, the records and the
// index, in memory that is shared with the next process (hugetlbfs or tmpfs). Nothing is written:
// the log works in the file.
//
// A process that ends in order leaves the log's whole state in the header, and the next one goes on
// from it. One that was killed leaves marks, which the log moves as it goes: the records between
// them are checked, and the index is made anew.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/region.h"
#include "base/result.h"
#include "base/time.h"

namespace mayfly::flow {

/// Which file, and who opens it.
struct TimeWaitFileSpec {
  std::string path;          ///< empty = no file: the entries end with the process
  std::uint64_t secret = 0;  ///< tells FlowSecrets apart, and does not betray them
  std::uint32_t core = 0;    ///< which core's it is ...
  std::uint32_t cores = 1;   ///< ... of how many: RSS gives other flows to other numbers
  Duration up{};             ///< how long this machine has been up, at ...
  Instant now{};             ///< ... this time of the process's clock
};

/// What a killed process leaves of its log's state. Written by one core, each in the order of the
/// program, which is the order in which a kill leaves it.
struct TimeWaitMarks {
  std::atomic<std::uint64_t> head_and_slot, gap;  ///< two numbers each, which change together
  std::atomic<std::uint32_t> tail;
  std::atomic<std::int64_t> now_us;  ///< of the process's clock, at the last poll

  static constexpr std::uint64_t both(std::uint32_t first, std::uint32_t second) noexcept {
    return std::uint64_t{first} << 32 | second;
  }
  static constexpr std::uint32_t first_of(std::uint64_t pair) noexcept {
    return static_cast<std::uint32_t>(pair >> 32);
  }
  static constexpr std::uint32_t second_of(std::uint64_t pair) noexcept {
    return static_cast<std::uint32_t>(pair);
  }
};

/// An open file, locked until it is closed. For the thread that makes the log.
class TimeWaitFile {
 public:
  /// What was in it.
  enum class Found : std::uint8_t {
    nothing,  ///< it is new
    whole,    ///< the last process ended in order
    marks,    ///< the last process was killed
    foreign,  ///< it was made for other sizes, cores or another secret: what it held is given up
  };
  /// Bytes for the log's own state.
  static constexpr std::size_t kStateSize = 1'024;

  struct Opened;
  /// Opens the file, or makes it with mode 0600. Errors, all of usage, say what to do: the place is
  /// no memory, it is in use by another process, or there is no room. `record_size` tells layouts
  /// apart.
  static Result<Opened> open(const TimeWaitFileSpec& spec, std::size_t record_size,
                             std::size_t record_bytes, std::size_t bucket_bytes);
  /// A copy of a file that another server has left, for reading; the file stays as it is. The
  /// records are there, zeroes are for the index, and the marks are to be believed alone. `now`: by
  /// a clock that goes by the time of day, as that of the other server did. Errors, of usage, say
  /// why not: it is no such file, of another layout or `secret`, damaged, or in use.
  static Result<Opened> copy_of(const std::string& path, std::uint64_t secret,
                                std::size_t record_size, Instant now);
  ~TimeWaitFile() = default;
  TimeWaitFile(const TimeWaitFile&) = delete;
  TimeWaitFile& operator=(const TimeWaitFile&) = delete;

  Found found() const noexcept { return found_; }
  /// What is to be added to times of the last process's clock to get this one's.
  Duration clock_shift() const noexcept { return shift_; }
  /// The marks, which are the last process's until they are changed.
  TimeWaitMarks& marks() noexcept;
  /// The state that the last process left, if it left the whole.
  const std::array<std::byte, kStateSize>& state() const noexcept;
  /// Leaves the state for the next process: this one ends in order.
  void leave(const std::array<std::byte, kStateSize>& state) noexcept;

 private:
  struct Header;
  TimeWaitFile(Fd fd, Region header) : fd_(std::move(fd)), header_(std::move(header)) {}
  Header& header() const noexcept;
  static const char* why_foreign(const Header& there, std::size_t record_size,
                                 std::uint64_t secret);
  void look_at(const Header& expected);

  Fd fd_;  // holds the lock
  Region header_;
  Found found_ = Found::nothing;
  Duration shift_{};
};

struct TimeWaitFile::Opened {
  std::unique_ptr<TimeWaitFile> file;
  Region records, buckets;  ///< zeroes, if nothing or something foreign was found
  std::size_t record_bytes = 0, bucket_bytes = 0;  ///< of a copy
};

}  // namespace mayfly::flow
