// A Port around a net_pcap device, which hands out its file as fast as it is polled: here each
// frame arrives when the simulated clock has come to the time at which it was captured.
#pragma once

#include <rte_mbuf_dyn.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/assert.h"
#include "link/filter_port.h"
#include "nic/dpdk_port.h"
#include "transcript.h"

namespace mayfly::testing {

class TimedPort : public link::FilterPort<nic::DpdkPort> {
 public:
  /// Called with each frame as it passes.
  using Listener = std::function<void(Transcript::Way, std::span<const std::byte>, Instant)>;

  TimedPort(nic::DpdkPort below, Listener listener)
      : FilterPort(std::move(below)),
        listener_(std::move(listener)),
        timestamp_at_(rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, nullptr)) {
    MAYFLY_ASSERT(timestamp_at_ >= 0);
    read_ahead();
  }
  ~TimedPort() {
    for (const Frame frame : waiting()) release(frame);
  }

  /// When the next frame arrives; never() when all have.
  Instant next_due() const noexcept {
    return first_ == end_ ? Instant::never() : captured_at(ahead_[first_]);
  }

  std::size_t receive(std::span<Frame> frames, Instant now) noexcept {
    std::size_t n = 0;
    while (n < frames.size() && next_due() <= now) {
      frames[n] = ahead_[first_++];
      listener_(Transcript::Way::in, bytes(frames[n++]), now);
      if (first_ == end_) read_ahead();
    }
    return n;
  }

  std::size_t transmit(std::span<Frame> frames, Instant now) noexcept {
    for (const Frame frame : frames) listener_(Transcript::Way::out, bytes(frame), now);
    const std::size_t sent = inner().transmit(frames, now);
    MAYFLY_ASSERT(sent == frames.size());  // a file takes all
    return sent;
  }

 private:
  std::span<Frame> waiting() noexcept { return std::span(ahead_).subspan(first_, end_ - first_); }

  /// The driver leaves the capture's time in a dynamic field, in microseconds.
  Instant captured_at(Frame f) const noexcept {
    return {static_cast<std::int64_t>(*RTE_MBUF_DYNFIELD(f, timestamp_at_, rte_mbuf_timestamp_t*))};
  }

  void read_ahead() noexcept {
    first_ = 0;
    end_ = inner().receive(ahead_, {});
  }

  Listener listener_;
  int timestamp_at_;
  std::array<Frame, kBurstMax> ahead_{};  // read from the file, not yet arrived
  std::size_t first_ = 0, end_ = 0;
};
static_assert(link::Port<TimedPort>);

}  // namespace mayfly::testing
