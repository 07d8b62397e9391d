// Settings of a shard and its app. ShardSettings and CloseSettings may change while it runs: the
// shard takes a new snapshot of them between two bursts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "flow/memory.h"
#include "flow/settings.h"
#include "tcp/settings.h"
#include "wire/flow_key.h"
#include "wire/prefix.h"

namespace mayfly::shard {

/// What becomes of SYNs while a server drains.
enum class DrainSyns : std::uint8_t {
  refuse,  ///< a reset answers them: their senders can try elsewhere at once
  ignore,  ///< they come again, and the next process gets them
};

/// The settings of the stack.
struct ShardSettings {
  tcp::TcpSettings tcp;
  flow::TimeWaitPolicy time_wait;
  flow::SynPolicy syn;
  flow::OrphanPolicy orphans;
  DrainSyns drain_syns = DrainSyns::refuse;
};

/// Who closes a connection first. `reset`: the client, with an RST.
enum class Closer : std::uint8_t { server, client, reset };

/// How connections are closed.
struct CloseSettings {
  Closer first = Closer::server;
  /// With first: client, how long the server waits for the client's FIN before it closes.
  Duration grace = Duration::from_ms(200);
  /// How long the server discards text after its FIN, once the last answer is acknowledged.
  Duration linger = Duration::from_s(5);
  bool abort = false;  ///< the server closes with an RST; a client then expects that
};

/// A server among others with the same addresses, between which a router chooses.
struct ClusterSettings {
  std::string secret;  ///< file with the secret that all have (run/secrets.h); empty = no cluster
  /// An address of each server that no other has, in the same order on all of them; all of one
  /// family, IPv4 ones mapped (RFC 4291 2.5.5.2).
  std::vector<Ipv6Address> members;
  std::uint32_t hops = 2;  ///< how many others are asked about a flow that nobody here knows
  /// Balancers that send what is for us inside packets of their own (IPVS-TUN, Katran).
  std::optional<Prefix> decapsulate_from;

  /// Bytes of the header that others put in front of a packet for us; 0 = nobody does.
  std::uint16_t outer_header() const noexcept {
    constexpr std::uint16_t kIpv4 = 20, kIpv6 = 40;
    if (!members.empty() && !members.front().is_ipv4_mapped()) return kIpv6;
    if (decapsulate_from && !decapsulate_from->is_ipv4()) return kIpv6;
    return members.empty() && !decapsulate_from ? std::uint16_t{0} : kIpv4;
  }
};

/// What a core does while nothing arrives: `poll` answers soonest, `adaptive` sleeps for short
/// times.
enum class Idle : std::uint8_t { poll, adaptive };

/// What a server and a client have in common: cores, connections and shards. (Ports are in
/// nic/settings.h.)
struct EndSettings {
  std::vector<std::uint32_t> cores{0};  ///< one shard each
  Idle idle = Idle::poll;
  flow::ConnectionSettings connections;  ///< allocated at start
  ShardSettings shard;
  CloseSettings close;
  /// In whose files, one a core, TIME_WAIT entries outlive the process: the path without the
  /// core's number; empty = they end with it.
  std::string time_wait_file;

  /// The sizes of each shard's tables and pools.
  flow::ShardSizes sizes() const {
    return {.connections = connections.capacity,
            .time_wait = shard.time_wait.capacity,
            .chunks = connections.send_chunks,
            .receive_buffers = connections.receive_buffers,
            .receive_window = shard.tcp.receive_window};
  }
};

}  // namespace mayfly::shard
