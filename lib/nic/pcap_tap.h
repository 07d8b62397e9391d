// A capture of every frame that a core receives and sends, as a pcap file for tcpdump and
// Wireshark. A debugging aid: while it is on, the polling core itself writes the file and sends
// frame by frame.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/time.h"
#include "link/port.h"
#include "wire/pcap_file.h"

namespace mayfly {

/// 1970 on the clock that says `now`: what a capture of this machine's frames is dated by.
Instant time_of_day_zero(Instant now);

/// A Port around a Port. Without a file it costs a branch a burst.
template <Port P>
class CapturePort {
 public:
  using Frame = typename P::Frame;
  static_assert(kFrameRoom <= PcapFile::kFrameMax);

  /// `file` is null for no capture. The other arguments make the inner port.
  template <class... Args>
  explicit CapturePort(std::shared_ptr<PcapFile> file, Args&&... args)
      : file_(std::move(file)), inner_(std::forward<Args>(args)...) {}

  std::size_t receive(std::span<Frame> frames, Instant now) noexcept {
    const std::size_t n = inner_.receive(frames, now);
    if (file_ == nullptr) [[likely]]
      return n;
    for (const Frame f : frames.first(n)) file_->write(inner_.bytes(f), now);
    return n;
  }

  std::size_t transmit(std::span<Frame> frames, Instant now) noexcept {
    if (file_ == nullptr) [[likely]]
      return inner_.transmit(frames, now);
    return transmit_each(frames, now);
  }

  std::span<std::byte> bytes(Frame f) noexcept { return inner_.bytes(f); }
  RxChecks rx_checks(Frame f) noexcept { return inner_.rx_checks(f); }
  Frame allocate() noexcept { return inner_.allocate(); }
  void set_length(Frame f, std::size_t length) noexcept { inner_.set_length(f, length); }
  void request_checksums(Frame f, std::size_t l2, std::size_t l3) noexcept {
    inner_.request_checksums(f, l2, l3);
  }
  /// None while capturing: the file would have the checksums that the device has yet to fill in.
  TxOffloads tx_offloads() noexcept {
    return file_ != nullptr ? TxOffloads{} : inner_.tx_offloads();
  }
  void release(Frame f) noexcept { inner_.release(f); }
  Frame reassemble(Frame f, std::size_t l3_off, Instant now, Drop& why) noexcept {
    return inner_.reassemble(f, l3_off, now, why);
  }

  P& inner() noexcept { return inner_; }
  const P& inner() const noexcept { return inner_; }

  std::uint64_t drops(Drop why) const noexcept {
    if constexpr (requires { inner_.drops(why); }) return inner_.drops(why);
    return 0;
  }

 private:
  /// What the device takes is no longer ours to read, and what it refuses is not on the wire.
  std::size_t transmit_each(std::span<Frame> frames, Instant now) noexcept {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      std::byte copy[kFrameRoom];
      const std::span<const std::byte> bytes = inner_.bytes(frames[i]);
      std::copy(bytes.begin(), bytes.end(), copy);
      if (inner_.transmit(frames.subspan(i, 1), now) == 0) return i;
      file_->write({copy, bytes.size()}, now);
    }
    return frames.size();
  }

  std::shared_ptr<PcapFile> file_;
  P inner_;
};

}  // namespace mayfly
