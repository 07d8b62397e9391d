// A pcap file for tcpdump and Wireshark: the classic format, microseconds, Ethernet.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/time.h"

namespace mayfly::wire {

/// An open capture file, closed by its destructor.
class PcapFile {
 public:
  /// The longest frame that fits, in octets.
  static constexpr std::size_t kFrameMax = 9'216;

  /// Creates or truncates the file; fails with the system's reason. `epoch` is the start of 1970 on
  /// the clock whose time write() is given.
  static Result<std::shared_ptr<PcapFile>> create(const std::string& path, Instant epoch);

  ~PcapFile();
  PcapFile(const PcapFile&) = delete;
  PcapFile& operator=(const PcapFile&) = delete;

  /// Appends a frame of at most kFrameMax octets. Several threads may write to one file. When the
  /// disk has no room the capture ends: that is said once, on the standard error output.
  void write(std::span<const std::byte> frame, Instant now) noexcept;

 private:
  PcapFile(std::FILE* file, std::string path, Instant epoch)
      : file_(file), path_(std::move(path)), epoch_(epoch) {}
  /// Says for which reason of the system the file lacks frames, unless that has been said.
  void end_early(int reason) noexcept;

  std::FILE* file_;
  std::string path_;
  Instant epoch_;
  std::atomic<bool> has_ended_{false};
};

}  // namespace mayfly::wire
