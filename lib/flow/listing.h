// The connections and TIME_WAIT entries of a core for somebody who looks, a bounded part at a time.
// A listing shows what there was when it began, `as_of`, and is still there when it gets to it. So
// none is shown twice, however long the whole takes: one that has moved on since then, into
// TIME_WAIT or to another place of the log, is left out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "flow/connections.h"
#include "flow/time_waits.h"
#include "tcp/state.h"
#include "wire/flow_key.h"
#include "wire/prefix.h"

namespace mayfly::flow {

/// A connection, or an entry: then `state` is TIME-WAIT.
struct ListedConnection {
  FlowKey4 key;  ///< of an IPv6 entry the name (FlowSecret::name): nobody knows its addresses
  std::optional<FlowKey6> six;  ///< of an IPv6 connection
  tcp::State state = tcp::State::closed;
  Duration age{};   ///< since it was opened; of an entry, since its hold began
  Duration left{};  ///< of an entry: until its hold is over
  std::uint32_t srtt_us = 0, rto_us = 0;
  std::uint32_t cwnd = 0;         ///< bytes
  std::uint64_t to_send = 0;      ///< bytes queued that the peer has not acknowledged
  std::uint32_t unread = 0;       ///< bytes in order that the app has not taken
  std::uint32_t retransmits = 0;  ///< segments sent again, up to 65,535
};

/// Which of them are shown.
struct ListFilter {
  tcp::StateSet states{0xffff};
  std::optional<Prefix> peer;  ///< network that the remote address belongs to; none = any
  std::uint16_t port = 0;      ///< local or remote; 0 = any

  bool takes(const FlowKey4& key, tcp::State state) const noexcept;
  bool takes(const FlowKey6& key, tcp::State state) const noexcept;
};

class Listing {
 public:
  /// Blocks and records that one step looks at.
  static constexpr std::uint32_t kBlocksAStep = 64, kRecordsAStep = 256;
  /// Room in `found`; a listing ends when it is used up, and goes on from `place`.
  static constexpr std::size_t kFoundMax = 512;

  /// Where a listing goes on.
  struct Place {
    enum class Part : std::uint8_t { connections, time_wait, end };
    Part part = Part::connections;
    std::uint32_t next = 0;  ///< a block, or the position of the log before which it goes on
    friend bool operator==(const Place&, const Place&) = default;
  };

  Listing() { found_.reserve(kFoundMax); }
  /// Begins at `place`, with nothing found. At most `most` are shown, and no more than kFoundMax.
  void begin(const ListFilter& filter, Instant as_of, const Place& place, std::size_t most);
  /// Looks at the next part. True: it has come to the end, or found as many as there may be.
  bool step(const Connections& connections, const TimeWaits& time_waits, Instant now) noexcept;

  const std::vector<ListedConnection>& found() const noexcept { return found_; }
  const Place& place() const noexcept { return place_; }

 private:
  void look_at_blocks(const Connections& connections, Instant now) noexcept;
  void look_at_records(const TimeWaitLog& log, Instant now) noexcept;
  void show(const ListedConnection& one) noexcept;
  bool is_full() const noexcept { return found_.size() >= most_; }

  ListFilter filter_;
  Instant as_of_;
  Place place_;
  std::size_t most_ = 0;
  std::vector<ListedConnection> found_;
};

}  // namespace mayfly::flow
