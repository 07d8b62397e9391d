// The book of a simulated world: every four-tuple, every incarnation of it, what its ends were to
// send and what they saw. The truth that the oracles hold the stack against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/prng.h"
#include "base/slab.h"
#include "base/time.h"
#include "shard/app.h"
#include "wire/flow_key.h"
#include "wire/seq.h"
#include "world/scenario.h"

namespace mayfly {

/// What one end saw of an incarnation.
struct SimEnd {
  bool opened = false, queued = false, closed = false, peer_closed = false;
  bool gave_up = false;  ///< heard nothing for too long, and reset it
  bool crashed = false;  ///< its host forgot it
  bool ended = false;
  CloseReason reason = CloseReason::done;  ///< with `ended`, unless it crashed
  std::uint32_t received = 0;              ///< octets
  Instant heard_at, ended_at, act_at = Instant::never();

  /// Both FINs, all in order.
  bool ended_well() const {
    return ended && !crashed && (reason == CloseReason::done || reason == CloseReason::time_wait);
  }
};

/// One life of a four-tuple, begun by its client.
struct SimIncarnation {
  std::uint32_t tuple = 0, previous = kNoIndex;
  Seq iss;                                ///< the client's: what tells it from the others
  std::uint32_t request = 0, answer = 0;  ///< octets
  Parting parting = Parting::client_first;
  bool spoiled = false;  ///< foreign octets reached it, which its policies did not rule out
  bool promised = true;  ///< the incarnation before it left nothing behind that could
  Instant began;
  SimEnd client, server;

  bool is_over() const { return client.ended && (server.ended || !server.opened); }
};

/// A four-tuple as its client sees it.
struct SimTuple {
  FlowKey4 key;
  std::size_t client = 0, server = 0;  ///< hosts
  std::uint32_t latest = kNoIndex;
  Instant clean_from;  ///< old duplicates of a disorderly end are gone by then

  std::size_t host_of(bool is_server) const { return is_server ? server : client; }
};

class Book {
 public:
  Book(std::uint64_t seed, const Traffic& traffic, bool aborts);

  std::uint32_t add_tuple(const SimTuple& tuple);
  /// The next incarnation of a tuple; its ISN is set when the stack has chosen it.
  SimIncarnation& begin(std::uint32_t tuple, Instant now);
  /// The stack did not open it after all.
  void cancel();
  /// The incarnation that a SYN with this sequence number opened, or kNoIndex. `client`: as the
  /// client itself is known, before any NAT.
  std::uint32_t find(Ipv4Address client, std::uint16_t port, Ipv4Address server, Seq irs) const;

  SimIncarnation& operator[](std::uint32_t index) { return incarnations_[index]; }
  const SimIncarnation& operator[](std::uint32_t index) const { return incarnations_[index]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(incarnations_.size()); }
  SimTuple& tuple(std::uint32_t index) { return tuples_[index]; }
  const SimTuple& tuple(std::uint32_t index) const { return tuples_[index]; }
  std::uint32_t tuples() const { return static_cast<std::uint32_t>(tuples_.size()); }
  std::uint32_t index_of(const SimIncarnation& i) const {
    return static_cast<std::uint32_t>(&i - incarnations_.data());
  }

  /// What the client (or the server) sends in this incarnation.
  std::span<const std::byte> text_of(const SimIncarnation& i, bool from_client) const;

  std::uint32_t to_open() const { return to_open_; }
  void open_more(std::uint32_t connections) { to_open_ += connections; }
  void open_no_more() { to_open_ = 0; }

  /// Notes that an end is over; a disorderly end lets old duplicates live.
  void end(SimIncarnation& i, SimEnd& view, Instant now);
  std::uint32_t open_ends() const { return open_ends_; }
  void opened(SimEnd& view) {
    view.opened = true;
    ++open_ends_;
  }

 private:
  std::uint64_t place_of(Ipv4Address client, std::uint16_t port, Ipv4Address server) const {
    return std::uint64_t{client.host} << 32 | std::uint64_t{port} << 16 | (server.host & 0xffff);
  }

  Prng random_;
  Traffic traffic_;
  bool aborts_;
  std::uint32_t to_open_, open_ends_ = 0;
  std::vector<std::byte> text_;
  std::vector<SimTuple> tuples_;
  std::vector<SimIncarnation> incarnations_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_place_;
};

/// "connection 7 of 198.18.1.1:10000 > 198.18.0.1:7 (client-first, 100/300 octets)"
std::string describe(const Book& book, const SimIncarnation& i);

}  // namespace mayfly
