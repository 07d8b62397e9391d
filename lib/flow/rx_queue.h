// The receive side of one connection: text in order that the app has not taken yet, and text out of
// order. A plain value in the connection's block; the pool of buffers is an argument. A connection
// whose app takes all text at once never has a buffer.
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

/// At most one buffer's worth of text. Not thread-safe.
class RxQueue {
 public:
  /// Bytes in order that the app has not taken.
  std::uint32_t unread() const noexcept { return unread_; }

  /// True if the app left text. It is not offered the text again until something changes (see
  /// on_data in shard/app.h).
  bool is_stalled() const noexcept { return stalled_ != 0; }
  void set_stalled(bool stalled) noexcept { stalled_ = stalled ? 1 : 0; }

  /// True if TCP has received the peer's FIN but the app was not told, as there is unread text
  /// before it.
  bool has_fin() const noexcept { return fin_ != 0; }
  void set_fin(bool fin) noexcept { fin_ = fin ? 1 : 0; }

  /// Sets the sequence number of the next byte in order. Nothing may be unread: the app took the
  /// text before it directly from the frame.
  void start_at(Seq next) noexcept {
    MAYFLY_ASSERT(unread_ == 0);
    next_ = next;
  }

  /// Takes a buffer from the pool if there is none yet. `owner`: the connection's block. False: the
  /// pool is empty.
  bool reserve(RxBuffers& pool, std::uint32_t owner, Instant now) noexcept {
    if (buffer_ == kNone) {
      const std::uint32_t taken = pool.take(owner, now);
      if (taken == kNoIndex) return false;
      MAYFLY_ASSERT(taken < kNone);
      buffer_ = taken & kNone;
    }
    return true;
  }

  /// True if text that ends `ahead` bytes after the last unread byte fits into a buffer.
  bool fits(const RxBuffers& pool, std::size_t ahead) const noexcept {
    return unread_ + ahead <= pool.size();
  }

  /// Copies text to its place; `at` is the sequence number of its first byte. A buffer must be
  /// reserved, and the text must fit.
  void write(RxBuffers& pool, Seq at, std::span<const std::byte> text) noexcept {
    MAYFLY_ASSERT(buffer_ != kNone);
    pool.write(buffer_, at, text);
  }

  /// Copies as much as there is room for of text that follows the unread bytes. Returns the number
  /// of bytes, which count as unread only after add_unread(). A buffer must be reserved.
  std::uint32_t keep(RxBuffers& pool, Seq at, std::span<const std::byte> text) noexcept {
    MAYFLY_ASSERT(buffer_ != kNone);
    const std::size_t room = pool.size() - unread_;
    const auto n = static_cast<std::uint32_t>(std::min(text.size(), room));
    pool.write(buffer_, at, text.first(n));
    return n;
  }

  /// Counts the next `bytes` of the buffer as unread: they are in order now.
  void add_unread(std::uint32_t bytes) noexcept { unread_ += bytes; }

  /// The unread bytes, in one piece; valid until the next call. At least one byte must be unread.
  std::span<const std::byte> front(RxBuffers& pool) const noexcept {
    MAYFLY_ASSERT(unread_ > 0 && buffer_ != kNone);
    return pool.read(buffer_, next_, unread_);
  }

  /// Removes the first `bytes` of front(), which the app took.
  void take(std::uint32_t bytes) noexcept {
    MAYFLY_ASSERT(bytes <= unread_);
    next_ += bytes;
    unread_ -= bytes;
  }

  bool has_buffer() const noexcept { return buffer_ != kNone; }

  /// Gives the buffer back, if there is one. Its text is discarded.
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
