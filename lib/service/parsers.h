// The parsers of one core, for requests that the one-segment scan does not take.
//
// A request that is whole in the text at hand is parsed by the spare one, and holds nothing. Only a
// request that goes on keeps its parser. If more requests are half read than there are parsers, the
// one that has been idle longest loses its parser to the newest, so that peers who send half a
// request and fall silent keep nobody out. Its connection finds out when it comes back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/assert.h"
#include "base/slab.h"
#include "service/request_parser.h"

namespace mayfly::service {

class Parsers {
 public:
  /// The most requests that may be half read at once.
  static constexpr std::uint32_t kHeldMax = 4'096;

  Parsers()
      : slots_(std::make_unique_for_overwrite<ParserSlot[]>(kHeldMax + 1)),
        slab_(std::span(slots_.get(), kHeldMax + 1)),
        spare_(slab_.take()) {}

  /// Starts a request of the connection `owner` (Conn::id). It ends with release(), or keep() is
  /// called before the next start().
  std::uint32_t start(std::uint64_t owner) noexcept {
    MAYFLY_ASSERT(!spare_in_use_);
    spare_in_use_ = true;
    slab_[spare_].owner = owner;
    slab_[spare_].parser.start();
    return spare_;
  }

  /// The parser that start() gave to `owner`; null if another request has it now.
  RequestParser* find(std::uint32_t index, std::uint64_t owner) noexcept {
    ParserSlot& slot = slab_[index];
    return slot.owner == owner ? &slot.parser : nullptr;
  }

  /// The request goes on in text that is yet to come. True: the request that has been idle longest
  /// lost its parser to it.
  bool keep(std::uint32_t index) noexcept {
    if (index != spare_) {
      unlink(index);
      append(index);
      return false;
    }
    MAYFLY_ASSERT(spare_in_use_);
    append(index);
    spare_in_use_ = false;
    spare_ = slab_.take();
    if (spare_ != kNoIndex) return false;
    spare_ = oldest_;
    unlink(spare_);
    slab_[spare_].owner = kNobody;
    return true;
  }

  /// The request of `owner` is over. Nothing happens if its parser was lost.
  void release(std::uint32_t index, std::uint64_t owner) noexcept {
    ParserSlot& slot = slab_[index];
    if (slot.owner != owner) return;
    slot.owner = kNobody;
    if (index == spare_) {
      spare_in_use_ = false;
      return;
    }
    unlink(index);
    slab_.give_back(index);
  }

  /// Requests that are half read.
  std::uint32_t held() const noexcept { return slab_.used() - 1; }

 private:
  static constexpr std::uint64_t kNobody = ~std::uint64_t{0};

  struct ParserSlot {
    std::uint64_t owner;
    std::uint32_t next_free;
    std::uint32_t older, newer;
    RequestParser parser;
  };

  void append(std::uint32_t index) noexcept {
    slab_[index].older = newest_;
    slab_[index].newer = kNoIndex;
    (newest_ == kNoIndex ? oldest_ : slab_[newest_].newer) = index;
    newest_ = index;
  }

  void unlink(std::uint32_t index) noexcept {
    const ParserSlot& slot = slab_[index];
    (slot.older == kNoIndex ? oldest_ : slab_[slot.older].newer) = slot.newer;
    (slot.newer == kNoIndex ? newest_ : slab_[slot.newer].older) = slot.older;
  }

  std::unique_ptr<ParserSlot[]> slots_;
  Slab<ParserSlot> slab_;
  std::uint32_t spare_;
  bool spare_in_use_ = false;
  std::uint32_t oldest_ = kNoIndex, newest_ = kNoIndex;  // by the last text, of those that are kept

 public:
  static constexpr std::size_t kMemoryBytes = (kHeldMax + 1) * sizeof(ParserSlot);
};

}  // namespace mayfly::service
