// The receive side of one connection: text in order that the app has not taken yet, and text that
// came ahead of a gap. A plain value in its block; the pool of buffers is handed in. A connection
// whose app takes every segment at once never has a buffer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.h"
#include "base/slab.h"
#include "flow/rx_buffer.h"
#include "wire/seq.h"

namespace mayfly::flow {

class RxQueue {
 public:
  /// Bytes in order that the app has not taken.
  std::uint32_t unread() const noexcept { return unread_; }

  /// The app left text and is not called with it again until something changes (see app.h).
  bool is_stalled() const noexcept { return stalled_ != 0; }
  void set_stalled(bool stalled) noexcept { stalled_ = stalled ? 1 : 0; }

  /// The peer's FIN was taken by TCP, and the app has not been told yet: text stands before it.
  bool has_fin() const noexcept { return fin_ != 0; }
  void set_fin(bool fin) noexcept { fin_ = fin ? 1 : 0; }

  /// Nothing is unread, and the next byte in order is `next`: the app took what came before it
  /// straight from the frame.
  void start_at(Seq next) noexcept {
    MAYFLY_ASSERT(unread_ == 0);
    next_ = next;
  }

  /// Takes a buffer from the pool if there is none yet. False: the pool is empty.
  bool reserve(RxBuffers& pool) noexcept {
    if (buffer_ == kNone) {
      const std::uint32_t taken = pool.take();
      if (taken == kNoIndex) return false;
      MAYFLY_ASSERT(taken < kNone);
      buffer_ = taken & kNone;
    }
    return true;
  }

  /// Does text that ends `ahead` bytes after the last unread byte fit into a buffer?
  bool fits(const RxBuffers& pool, std::size_t ahead) const noexcept {
    return unread_ + ahead <= pool.size();
  }

  /// Copies text to its place. A buffer is reserved, and the text fits.
  void write(RxBuffers& pool, Seq at, std::span<const std::byte> text) noexcept {
    MAYFLY_ASSERT(buffer_ != kNone);
    pool.write(buffer_, at, text);
  }

  /// Copies text that follows on the unread bytes, as much as there is room for. Returns how many
  /// bytes; 0 also if the pool is empty. They count as unread once add_unread() says so.
  std::uint32_t keep(RxBuffers& pool, Seq at, std::span<const std::byte> text) noexcept {
    if (!reserve(pool)) return 0;
    const std::size_t room = pool.size() - unread_;
    const auto n = static_cast<std::uint32_t>(std::min(text.size(), room));
    pool.write(buffer_, at, text.first(n));
    return n;
  }

  /// `bytes` more of the buffer are in order.
  void add_unread(std::uint32_t bytes) noexcept { unread_ += bytes; }

  /// Unread bytes, as many as lie together in the buffer. At least one byte is unread.
  std::span<const std::byte> front(const RxBuffers& pool) const noexcept {
    MAYFLY_ASSERT(unread_ > 0 && buffer_ != kNone);
    return pool.read(buffer_, next_, unread_);
  }

  /// The app took `bytes` of what front() showed.
  void take(std::uint32_t bytes) noexcept {
    MAYFLY_ASSERT(bytes <= unread_);
    next_ += bytes;
    unread_ -= bytes;
  }

  bool has_buffer() const noexcept { return buffer_ != kNone; }

  /// Gives the buffer back, with whatever is in it.
  void release(RxBuffers& pool) noexcept {
    if (buffer_ == kNone) return;
    pool.give_back(buffer_);
    buffer_ = kNone;
    unread_ = 0;
  }

 private:
  static constexpr std::uint32_t kNone = (1u << 30) - 1;

  Seq next_;                  // the first unread byte
  std::uint32_t unread_ = 0;  // at most the window, 1 GiB
  std::uint32_t buffer_ : 30 = kNone;
  std::uint32_t stalled_ : 1 = 0;
  std::uint32_t fin_ : 1 = 0;
};
static_assert(sizeof(RxQueue) == 12);

}  // namespace mayfly::flow
