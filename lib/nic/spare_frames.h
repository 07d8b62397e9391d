// Frames that a core sends next: those that it has received and is done with, which are in its
// cache, and only if these do not suffice some of the mempool, which were not used for longest.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/burst.h"
#include "link/port.h"

namespace mayfly::nic {

/// Owned by one core.
class SpareFrames {
 public:
  static constexpr std::size_t kCapacity = 2 * kBurstMax;  ///< answers to two bursts

  /// Frames come from `pool`. `only_its`: frames of any other pool are not kept.
  SpareFrames(rte_mempool* pool, bool only_its) noexcept : pool_(pool), only_its_(only_its) {}
  SpareFrames(SpareFrames&& other) noexcept
      : pool_(other.pool_),
        only_its_(other.only_its_),
        count_(std::exchange(other.count_, 0)),
        frames_(other.frames_) {}
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
                      (!only_its_ || f->pool == pool_);
    if (count_ == kCapacity || !fits) return false;
    frames_[count_++] = f;
    return true;
  }

  /// The frame that was kept last, or one of the pool, to be sent: empty, without flags; null if
  /// the pool has none either.
  rte_mbuf* take() noexcept {
    if (count_ == 0 && !refill()) [[unlikely]]
      return nullptr;
    rte_mbuf* const f = frames_[--count_];
    if (count_ > kAhead) prefetch(frames_[count_ - kAhead]);
    renew(f);
    return f;
  }

 private:
  static constexpr unsigned kRefill = 32;
  /// What is written last of a frame that another core had stalls the core until that gives up its
  /// copy: so early the lines of a frame are fetched.
  static constexpr std::size_t kAhead = 4;

  bool refill() noexcept {
    auto* const to = reinterpret_cast<void**>(frames_.data());
    count_ = kRefill;
    if (rte_mempool_get_bulk(pool_, to, kRefill) != 0) [[unlikely]]
      count_ = rte_mempool_get(pool_, to) == 0 ? 1 : 0;
    for (std::size_t i = count_ - std::min(count_, kAhead); i < count_; ++i) prefetch(frames_[i]);
    return count_ > 0;
  }

  /// The head, and as much of the frame as an answer in one segment commonly has.
  static void prefetch(rte_mbuf* f) noexcept {
    constexpr int kToWrite = 1;
    const std::byte* const head = reinterpret_cast<const std::byte*>(f);
    const std::byte* const data = head + sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM;
    __builtin_prefetch(head, kToWrite);
    for (const int line : {0, 1, 2})
      __builtin_prefetch(data + line * RTE_CACHE_LINE_SIZE, kToWrite);
  }

  /// As rte_pktmbuf_reset, but for the second line of the head, which a frame of one buffer does
  /// not need: each core that it came to would have to fetch the line from the one before.
  static void renew(rte_mbuf* f) noexcept {
    f->ol_flags = 0;
    f->packet_type = 0;
    f->port = RTE_MBUF_PORT_INVALID;
    f->data_len = 0;
    f->pkt_len = 0;
    rte_pktmbuf_reset_headroom(f);
  }

  rte_mempool* pool_;
  bool only_its_;
  std::size_t count_ = 0;
  std::array<rte_mbuf*, kCapacity> frames_{};
};

}  // namespace mayfly::nic
