// A pcap file for tcpdump and Wireshark: the classic format, microseconds, Ethernet.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace mayfly {

class PcapFile {
 public:
  /// The longest frame that fits, in octets.
  static constexpr std::size_t kFrameMax = 9'216;

  /// Creates or empties the file. `epoch`: 1970 on the clock that write() is given the time of.
  static Result<std::shared_ptr<PcapFile>> create(const std::string& path, Instant epoch);

  ~PcapFile();
  PcapFile(const PcapFile&) = delete;
  PcapFile& operator=(const PcapFile&) = delete;

  /// Appends a frame. Several threads may write to one file. A full disk loses frames in silence.
  void write(std::span<const std::byte> frame, Instant now) noexcept;

 private:
  PcapFile(std::FILE* file, Instant epoch) : file_(file), epoch_(epoch) {}

  std::FILE* file_;
  Instant epoch_;
};

}  // namespace mayfly
