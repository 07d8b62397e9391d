// Frames that a core has received and is done with, kept to be sent next: they are in its cache,
// and come and go without the mempool, whose frames are the ones that were not used for longest.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstddef>
#include <utility>

#include "link/port.h"

namespace mayfly::nic {

/// Owned by one core.
class SpareFrames {
 public:
  static constexpr std::size_t kCapacity = 64;  ///< answers to two bursts

  /// `only`: frames of any other pool are not kept; null: those of all pools are.
  explicit SpareFrames(const rte_mempool* only) noexcept : only_(only) {}
  SpareFrames(SpareFrames&& other) noexcept
      : only_(other.only_), count_(std::exchange(other.count_, 0)), frames_(other.frames_) {}
  SpareFrames(const SpareFrames&) = delete;
  SpareFrames& operator=(const SpareFrames&) = delete;
  ~SpareFrames() {
    while (count_ > 0) rte_pktmbuf_free(frames_[--count_]);
  }

  /// Takes ownership of `f`, if there is room and the frame is as one from our pool: one buffer of
  /// the usual size that nobody else refers to. False: the caller still owns it.
  bool keep(rte_mbuf* f) noexcept {
    const bool fits = f->nb_segs == 1 && RTE_MBUF_DIRECT(f) && rte_mbuf_refcnt_read(f) == 1 &&
                      f->buf_len >= RTE_PKTMBUF_HEADROOM + link::kFrameRoom &&
                      (only_ == nullptr || f->pool == only_);
    if (count_ == kCapacity || !fits) return false;
    frames_[count_++] = f;
    return true;
  }

  /// The frame that was kept last, as if it were new from the pool; null if there is none.
  rte_mbuf* take() noexcept {
    if (count_ == 0) return nullptr;
    rte_mbuf* const f = frames_[--count_];
    rte_pktmbuf_reset(f);
    return f;
  }

 private:
  const rte_mempool* only_;
  std::size_t count_ = 0;
  std::array<rte_mbuf*, kCapacity> frames_{};
};

}  // namespace mayfly::nic
