#include "config/schema_shard.h"

#include <functional>

#include "config/forms.h"

namespace mayfly::config {
namespace {

Schema<flow::SynPolicy> syn_schema() {
  using S = flow::SynPolicy;
  return {
      {"half_open", &S::half_open, count<std::uint32_t>(0, 64 << 20),
       "most unfinished handshakes of peers on a core; by default a quarter of the capacity, and "
       "three quarters at most; 0 = no limit"},
      {"syn_cookies", &S::cookies,
       choice<S::Cookies>({{"auto", S::Cookies::automatic},
                           {"always", S::Cookies::always},
                           {"never", S::Cookies::never}}),
       "SYNs are answered with a cookie instead of a block (RFC 4987): when half_open is reached, "
       "always, or never: then SYNs beyond half_open are refused"},
  };
}

Schema<flow::NearPrefix> near_schema() {
  return {
      {required("prefix"), &flow::NearPrefix::prefix, network(),
       "peers in this network, of IPv4 or IPv6"},
      {required("hold"), &flow::NearPrefix::hold, duration_or_zero(1_ms, 10_min),
       "2MSL for them; 0 = no TIME_WAIT"},
  };
}

Schema<tcp::TimeWaitRules> time_wait_rules_schema() {
  using R = tcp::TimeWaitRules;
  return {
      {"reopen", &R::reopen,
       choice<R::Reopen>({{"rfc6191", R::Reopen::rfc6191},
                          {"sequence", R::Reopen::sequence},
                          {"off", R::Reopen::off}}),
       "a SYN reopens a TIME_WAIT: by RFC 6191, by a newer sequence number alone, or never"},
      {"refuse_syn", &R::refuse_syn,
       choice<R::RefuseSyn>({{"ack", R::RefuseSyn::ack}, {"drop", R::RefuseSyn::drop}}),
       "a SYN that does not reopen it is answered with an ACK (RFC 5961 4.2), or dropped in "
       "silence "
       "(RFC 6191)"},
      {"rst", &R::rst,
       choice<R::OnRst>({{"ignore", R::OnRst::ignore},
                         {"accept", R::OnRst::accept},
                         {"challenged", R::OnRst::challenged}}),
       "an RST in TIME_WAIT is ignored (RFC 1337 fix F1), ends it, or ends it only if it can be a "
       "new peer's answer to that ACK: with exactly its number, and within 2 s"},
  };
}

Schema<tcp::KeepAlive> keep_alive_schema() {
  return {
      {"enabled", &tcp::KeepAlive::enabled, boolean(), "probe idle connections (RFC 9293 3.8.4)"},
      {"idle", &tcp::KeepAlive::idle, duration(1_s, kWeek), "idle time before the first probe"},
      {"interval", &tcp::KeepAlive::interval, duration(100_ms, kHour), "time between two probes"},
      {"probes", &tcp::KeepAlive::probes, number<std::uint8_t>(1, 100),
       "unanswered probes before the connection is dropped"},
  };
}

}  // namespace

Schema<shard::EndSettings> connection_schema() {
  using C = flow::ConnectionSettings;
  const Schema<C> memory{
      {"capacity", &C::capacity, count<std::uint32_t>(1, 64 << 20), "live connections a core"},
      {"send_chunks", &C::send_chunks, count<std::uint32_t>(16, 16 << 20),
       "2 KiB chunks a core for copied text: echo, error pages"},
      {"receive_buffers", &C::receive_buffers, count<std::uint32_t>(1, 16 << 20),
       "buffers a core, of one receive window each, for text out of order or not yet taken"},
  };
  return within<shard::EndSettings>(&shard::EndSettings::connections, memory) +
         within<shard::EndSettings>(
             [](auto& end) -> auto& { return end.shard.syn; }, syn_schema());
}

Schema<flow::TimeWaitPolicy> time_wait_schema() {
  using P = flow::TimeWaitPolicy;
  return Schema<P>{
             {"hold", &P::hold, duration_or_zero(1_ms, 10_min),
              "2MSL, how long a closed four-tuple stays in TIME_WAIT; 0 = no TIME_WAIT"},
             {"capacity", &P::capacity, count<std::uint32_t>(1, 256 << 20),
              "TIME_WAIT entries a core", Mutability::live_to_start},
             {"on_full", &P::on_full,
              choice<P::OnFull>({{"evict_oldest", P::OnFull::evict_oldest},
                                 {"refuse", P::OnFull::refuse},
                                 {"close", P::OnFull::close}}),
              "table full: evict the oldest entry, refuse new connections, or close without "
              "TIME_WAIT"},
         } +
         within<P>(&P::rules, time_wait_rules_schema()) +
         Schema<P>{
             {"balance", &P::balance, boolean(),
              "adapt the hold to capacity / rate of closes, between floor and hold"},
             {"floor", &P::floor, duration(1_ms, 10_min), "with `balance`: the shortest hold"},
             {"recycle", &P::recycle, boolean(),
              "Linux's tcp_tw_recycle, removed as a hazard: with timestamps a hold of 3.5 x RTO, "
              "and "
              "one timestamp a host"},
             {"hand_over", &P::hand_over, boolean(),
              "if the peer closes first: take over the TIME_WAIT, and free the peer's entry with "
              "an RST"},
             {"nearness", &P::nearness, list(map(near_schema()), 0, 8),
              "a separate hold for peers in a network; the first match counts"},
         };
}

static Schema<tcp::TcpSettings> protocol_schema() {
  using T = tcp::TcpSettings;
  return {
      {"mss", &T::mss, number<std::uint16_t>(88, 1'460),
       "most bytes in a segment, announced and sent; by default the smallest MTU less 40"},
      {"receive_window", &T::receive_window, bytes<std::uint32_t>(1'460, 1 << 30),
       "bytes; above 65535 it is scaled (RFC 7323)", Mutability::live_to_start},
      {"initial_window_segments", &T::initial_window_segments, number<std::uint8_t>(1, 100),
       "congestion window at the start (RFC 6928)"},
      {"congestion", &T::congestion_control,
       choice<tcp::CongestionControl>({{"cubic", tcp::CongestionControl::cubic},
                                       {"newreno", tcp::CongestionControl::newreno}}),
       "how the congestion window grows: RFC 9438 or RFC 5681"},
      {"timestamps", &T::timestamps, boolean(), "RFC 7323: offered and accepted"},
      {"timestamps_missing", &T::timestamps_missing,
       choice<tcp::TimestampsMissing>(
           {{"accept", tcp::TimestampsMissing::accept}, {"drop", tcp::TimestampsMissing::drop}}),
       "a segment without the agreed timestamps, which some middleboxes blank: accepted, and PAWS "
       "off for its connection, or dropped (RFC 7323 3.2)"},
      {"window_scale", &T::window_scale, boolean(), "RFC 7323: offered and accepted"},
      {"sack", &T::sack, boolean(), "RFC 2018: offered and accepted"},
      {"ecn", &T::ecn, boolean(), "RFC 3168: offered and accepted"},
      {"nagle", &T::nagle, boolean(), "small segments wait for the ACK (RFC 9293 3.7.4)"},
      {"rto_initial", &T::rto_initial, duration(10_ms, 60_s),
       "retransmission time-out before the first measurement (RFC 6298 2.1)"},
      {"rto_min", &T::rto_min, duration(1_ms, 60_s),
       "shortest retransmission time-out (RFC 6298 2.4)"},
      {"rto_max", &T::rto_max, duration(100_ms, 10_min),
       "longest retransmission time-out (RFC 6298 2.5)"},
      {"syn_retries", &T::syn_retries, number<std::uint8_t>(0, 20), "retransmissions of a SYN"},
      {"syn_ack_retries", &T::syn_ack_retries, number<std::uint8_t>(0, 20),
       "retransmissions of a SYN-ACK"},
      {"retries", &T::retries, number<std::uint8_t>(1, 30),
       "retransmissions of a segment before the connection is dropped: R2 (RFC 9293 3.8.3)"},
      {"orphan_retries", &T::orphan_retries, number<std::uint8_t>(1, 30),
       "the same once the connection is closed here and nobody reads from it any more"},
      {"delayed_ack", &T::delayed_ack, duration_or_zero(1_ms, 499_ms),
       "how long an ACK may wait for data (RFC 9293 MUST-40); 0 = every segment is ACKed"},
      {"challenge_ack_interval", &T::challenge_ack_interval, duration_or_zero(1_ms, 60_s),
       "a connection sends at most ten challenge ACKs in ten times this (RFC 5961 7); 0 = no "
       "limit"},
      {"keep_alive", &T::keep_alive, map(keep_alive_schema()), "keep-alive probes"},
  };
}

Schema<shard::ShardSettings> tcp_schema() {
  using S = shard::ShardSettings;
  const Schema<flow::OrphanPolicy> orphans{
      {"orphans_max", &flow::OrphanPolicy::most, count<std::uint32_t>(0, 64 << 20),
       "most connections on a core that are closed here and wait for their peer; the oldest beyond "
       "it is "
       "reset; by default a quarter of the capacity; 0 = no limit"}};
  return within<S>(&S::tcp, protocol_schema()) + within<S>(&S::orphans, orphans);
}

Schema<tcp::TcpSettings> fin_wait_2_schema() {
  return {{"hold", &tcp::TcpSettings::fin_wait_2_hold, duration_or_zero(1_ms, kHour),
           "how long FIN_WAIT_2 waits for the peer's FIN; 0 = forever"}};
}

Schema<shard::CloseSettings> serve_close_schema() {
  return {
      {"first", &shard::CloseSettings::first,
       choice<shard::Closer>(
           {{"server", shard::Closer::server}, {"client", shard::Closer::client}}),
       "who closes first, and so holds TIME_WAIT"},
      {"grace", &shard::CloseSettings::grace, duration_or_zero(1_ms, 60_s),
       "with `first: client`: how long the server waits for the client's FIN"},
      {"linger", &shard::CloseSettings::linger, duration_or_zero(1_ms, 60_s),
       "time for which the server discards text after its FIN, once the last answer is "
       "acknowledged; later text is answered with an RST"},
      {"abort", &shard::CloseSettings::abort, boolean(), "the server closes with an RST"},
  };
}

Schema<shard::CloseSettings> load_close_schema() {
  return {{"first", &shard::CloseSettings::first,
           choice<shard::Closer>({{"server", shard::Closer::server},
                                  {"client", shard::Closer::client},
                                  {"reset", shard::Closer::reset}}),
           "who closes first; `reset`: the client, with an RST"},
          {"abort", &shard::CloseSettings::abort, boolean(),
           "with `first: server`: the server's RST after the last answer is the planned end"}};
}

Schema<flow::TimeWaitPolicy> client_time_wait_schema() {
  using P = flow::TimeWaitPolicy;
  return time_wait_schema() +
         Schema<P>{{"reuse", &P::reuse, number<std::uint8_t>(0, 2),
                    "connect from a four-tuple in TIME_WAIT: 0 never, 1 after reuse_delay with "
                    "timestamps, 2 the same on loopback only"},
                   {"reuse_delay", &P::reuse_delay, duration_or_zero(1_ms, 10_min),
                    "how long a four-tuple is in TIME_WAIT before its reuse"}};
}

Schema<shard::ClusterSettings> cluster_schema() {
  using C = shard::ClusterSettings;
  return {
      {"secret", &C::secret, file_name("file"),
       "the file with the secret that all servers of these addresses have in common (mayfly "
       "secret makes it). Then sequence numbers and timestamps go by the time of day instead of "
       "`state`, and cookies of the others are accepted"},
      {"members", &C::members, list(either_address(), 2, 64),
       "an address of each server that no other has, in the same order on all: a segment of a "
       "flow that is unknown here is sent on to the next of them (RFC 2003, 2473)"},
      {"hops", &C::hops, number<std::uint32_t>(1, 63),
       "how many others are asked; the last one answers"},
      {"decapsulate_from", &C::decapsulate_from, maybe(network()),
       "balancers whose packets for us come inside packets of their own (RFC 2003, 2473; "
       "IPVS-TUN, Katran): taken from nobody else, answered directly"}};
}

}  // namespace mayfly::config
