// The book of a simulated world: every four-tuple, every incarnation of it, what its ends were to
// send and what they saw. The apps of the hosts write it; the oracles of the simulator and the
// ledger of the hazard lab read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/assert.h"
#include "base/prng.h"
#include "base/slab.h"
#include "base/time.h"
#include "flow/close_reason.h"
#include "wire/flow_key.h"
#include "wire/seq.h"
#include "world/admission.h"
#include "world/traffic.h"

namespace mayfly::world {

/// What one end saw of an incarnation.
struct EndView {
  bool opened = false;       ///< the handshake was complete
  bool queued = false;       ///< all that it had to send was queued
  bool closed = false;       ///< it has closed
  bool peer_closed = false;  ///< the peer's FIN was taken
  bool gave_up = false;      ///< nothing happened for too long, and it reset the connection
  bool crashed = false;      ///< its host crashed
  bool ended = false;
  flow::CloseReason reason = flow::CloseReason::done;  ///< with `ended`, unless it crashed
  std::uint32_t received = 0;                          ///< octets
  std::uint32_t sent = 0;  ///< octets queued so far, where they are copied
  bool chattered = false;  ///< a client: it has sent its chatter
  bool lingers = false;    ///< a server: it has closed, and discards what its client still sends
  bool lingered = false;   ///< a server: it has done so for long enough
  Instant heard_at, ended_at;
  Instant act_at = Instant::never();    ///< its next action is due then
  Instant close_at = Instant::never();  ///< its grace ends then

  /// Both FINs, all in order.
  bool ended_well() const {
    return ended && !crashed &&
           (reason == flow::CloseReason::done || reason == flow::CloseReason::time_wait);
  }
};

/// One life of a four-tuple, begun by its client.
struct Incarnation {
  std::uint32_t tuple = 0;
  std::uint32_t previous = kNoIndex;      ///< of the same four-tuple
  Seq iss;                                ///< the client's: distinguishes it from the others
  std::uint32_t request = 0, answer = 0;  ///< octets
  std::uint32_t chatter = 0;              ///< octets that the client sends while it is answered
  Parting parting = Parting::client_first;
  bool promised = true;       ///< the incarnation before it left no duplicates behind
  Admission admission;        ///< where a handshake tap is (handshake_tap.h)
  std::uint32_t foreign = 0;  ///< texts and FINs of others that its ends accepted
  Instant began;
  std::size_t accepted_by = 0;  ///< the server that has it, if one has opened it
  EndView client, server;

  bool is_over() const { return client.ended && (server.ended || !server.opened); }
};

/// A four-tuple as its client sees it.
struct FourTuple {
  FlowKey4 key;
  std::size_t client = 0, server = 0;  ///< hosts
  bool is_routed = false;              ///< any server may get it, `server` stands for all
  std::size_t traffic = 0;             ///< what it carries
  std::uint32_t latest = kNoIndex;     ///< incarnation
  Instant clean_from;                  ///< old duplicates of a disorderly end are gone by then
};

/// Something that an end of a connection should not have met.
struct Anomaly {
  enum class What : std::uint8_t {
    unknown,         ///< a connection that nobody opened
    accepted_twice,  ///< a second connection of an incarnation
    foreign_text,    ///< octets that its peer did not send
    early_fin,       ///< a FIN before all of its peer's text
  };
  Instant at;
  What what = What::unknown;
  std::size_t host = 0;
  std::uint32_t incarnation = kNoIndex;  ///< kNoIndex for `unknown` alone
};

class Book {
 public:
  /// `aborts`: where each incarnation draws how its ends part, some abort.
  Book(std::uint64_t seed, std::span<const Traffic> traffics, bool aborts);

  std::uint32_t add_tuple(const FourTuple& tuple);
  /// The next incarnation of a tuple whose traffic has one to open; its ISN is set when the stack
  /// has chosen it.
  Incarnation& begin(std::uint32_t tuple, Instant now);
  /// The stack did not open it after all.
  void cancel();
  /// The incarnation that a SYN with this sequence number opened, or kNoIndex. `client`: as the
  /// client itself is known, before any NAT.
  std::uint32_t find(Ipv4Address client, std::uint16_t port, Ipv4Address server, Seq irs) const;
  /// The latest incarnation of that four-tuple, or kNoIndex.
  std::uint32_t latest(Ipv4Address client, std::uint16_t port, Ipv4Address server) const;

  Incarnation& operator[](std::uint32_t index) {
    MAYFLY_ASSERT(index < incarnations_.size());
    return incarnations_[index];
  }
  const Incarnation& operator[](std::uint32_t index) const {
    MAYFLY_ASSERT(index < incarnations_.size());
    return incarnations_[index];
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(incarnations_.size()); }
  const FourTuple& tuple(std::uint32_t index) const {
    MAYFLY_ASSERT(index < tuples_.size());
    return tuples_[index];
  }
  /// The host of an end that was opened.
  std::size_t host_of(const Incarnation& i, bool is_server) const {
    return is_server ? i.accepted_by : tuple(i.tuple).client;
  }
  std::uint32_t tuples() const { return static_cast<std::uint32_t>(tuples_.size()); }
  std::uint32_t index_of(const Incarnation& i) const {
    return static_cast<std::uint32_t>(&i - incarnations_.data());
  }

  /// What the client (or the server) sends in this incarnation.
  std::span<const std::byte> text_of(const Incarnation& i, bool from_client) const;

  /// Any octets; at most what the largest exchange has.
  std::span<const std::byte> chatter(std::uint32_t octets) const {
    return std::span(text_).first(octets);
  }

  /// Connections of this traffic that are still to be opened.
  std::uint32_t to_open(std::size_t traffic) const { return to_open_[traffic]; }
  /// Of all traffics.
  std::uint32_t to_open() const { return to_open_in_all_; }
  /// So many more, of the first traffic.
  void open_more(std::uint32_t connections);
  void open_no_more();

  void opened(EndView& view) {
    MAYFLY_ASSERT(!view.opened && !view.ended);
    view.opened = true;
    ++open_ends_;
  }
  /// Notes that an end is over; after a disorderly end duplicates may be under way.
  void end(Incarnation& i, EndView& view, Instant now);
  std::uint32_t open_ends() const { return open_ends_; }

  /// Notes what a host met; `incarnation` may be kNoIndex for Anomaly::What::unknown alone.
  void note(const Anomaly& anomaly);
  /// All of them, in the order in which they were met.
  std::span<const Anomaly> anomalies() const { return anomalies_; }

 private:
  static std::uint64_t place_of(Ipv4Address client, std::uint16_t port, Ipv4Address server) {
    return std::uint64_t{client.host} << 32 | std::uint64_t{port} << 16 | (server.host & 0xffff);
  }

  Prng random_;
  std::vector<Traffic> traffics_;
  std::uint32_t partings_;
  std::vector<std::uint32_t> to_open_;  // by traffic
  std::uint32_t to_open_in_all_ = 0, open_ends_ = 0;
  std::vector<std::byte> text_;
  std::size_t places_ = 0;  // where in text_ an incarnation's may begin
  std::vector<FourTuple> tuples_;
  std::vector<Incarnation> incarnations_;
  std::vector<Anomaly> anomalies_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_place_;
};

/// "connection 7 of 198.18.1.1:10000 > 198.18.0.1:7 (100/300 octets, the client closes first)"
std::string describe(const Book& book, const Incarnation& i);

}  // namespace mayfly::world
