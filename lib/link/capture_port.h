// A capture of every frame that a core receives and sends, as a pcap file for tcpdump and
// Wireshark. A debugging aid: while it is on, the polling core itself writes the file and sends
// frame by frame.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "base/assert.h"
#include "base/time.h"
#include "link/filter_port.h"
#include "wire/pcap_file.h"

namespace mayfly::link {

/// A Port that passes frames to and from an inner Port and records them. Without a file it costs
/// one branch a burst.
template <Port P>
class CapturePort : public FilterPort<P> {
 public:
  using typename FilterPort<P>::Frame;
  using FilterPort<P>::bytes;
  using FilterPort<P>::inner;
  static_assert(kFrameRoom <= wire::PcapFile::kFrameMax);

  /// `file` is null for no capture. The other arguments make the inner port.
  template <class... Args>
  explicit CapturePort(std::shared_ptr<wire::PcapFile> file, Args&&... args)
      : FilterPort<P>(std::forward<Args>(args)...), file_(std::move(file)) {}

  std::size_t receive(std::span<Frame> frames, Instant now) noexcept {
    const std::size_t n = inner().receive(frames, now);
    if (file_ == nullptr) [[likely]]
      return n;
    for (const Frame f : frames.first(n)) file_->write(bytes(f), now);
    return n;
  }

  std::size_t transmit(std::span<Frame> frames, Instant now) noexcept {
    if (file_ == nullptr) [[likely]]
      return inner().transmit(frames, now);
    return transmit_each(frames, now);
  }

  /// None while capturing: the file would contain checksums that the device has not filled in yet.
  TxOffloads tx_offloads() noexcept {
    return file_ != nullptr ? TxOffloads{} : inner().tx_offloads();
  }

 private:
  /// A frame that the device has taken must not be read, and one that it has not taken was not
  /// sent. So each frame is copied first, and the copy is written if the device took the frame.
  std::size_t transmit_each(std::span<Frame> frames, Instant now) noexcept {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      std::array<std::byte, kFrameRoom> copy;
      const std::size_t length = bytes(frames[i]).size();
      MAYFLY_ASSERT(length <= copy.size());
      std::ranges::copy(bytes(frames[i]), copy.begin());
      if (inner().transmit(frames.subspan(i, 1), now) == 0) return i;
      file_->write(std::span(copy).first(length), now);
    }
    return frames.size();
  }

  std::shared_ptr<wire::PcapFile> file_;
};

}  // namespace mayfly::link
