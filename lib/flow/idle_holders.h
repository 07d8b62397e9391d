// Who has to give a unit of an empty pool back, so that a connection that has none gets one: the
// connection that has held one longest while its peer takes nothing. Only so many holders are
// looked at in one call, from where the last one ended. One core's own; not thread-safe.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "flow/connections.h"

namespace mayfly::flow {

class IdleHolders {
 public:
  /// Holders that one call looks at.
  static constexpr std::uint32_t kBudget = 64;
  /// A unit that was taken less than this ago is left with its holder.
  static constexpr Duration kChunkPatience = Duration::from_s(1);
  static constexpr Duration kBufferPatience = Duration::from_ms(200);
  static constexpr Duration kRecordPatience = Duration::from_ms(200);

  /// `connections` outlives this object.
  explicit IdleHolders(Connections& connections) noexcept : all_(connections) {}

  /// A connection that holds a chunk of copied text, and whose peer takes nothing: its window is
  /// shut, or a retransmission has timed out. Null: none of those looked at.
  ConnectionBlock* of_chunk() noexcept;
  /// A connection that holds a receive buffer with nothing but text out of order, which may be
  /// discarded (RFC 2018 8). Null: none of those looked at.
  ConnectionBlock* of_receive_buffer() noexcept;
  /// A connection with a tcp::LossRecord that is dispensable, and that keeps no text but what is
  /// out of order. Call it when all are lent. Null: none of those looked at.
  ConnectionBlock* of_record() noexcept;

 private:
  Connections& all_;
  std::uint32_t next_chunk_ = 0, next_buffer_ = 0, next_record_ = 0;
};

}  // namespace mayfly::flow
