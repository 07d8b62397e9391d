// Every reason for which a frame is dropped. One list makes the enum, its counter, its name in the
// JSON and its line in doc/drops.md; a test fails for a reason that nothing tests or documents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly {

// X(name, what it means: shown by the admin page and kept in step with doc/drops.md)
#define MAYFLY_DROP_REASONS(X)                                                                     \
  X(none, "not dropped")                                                                           \
  X(frame_short, "shorter than its own headers say")                                               \
  X(frame_chained, "a frame in several buffers that does not fit into one")                        \
  X(not_our_mac, "unicast to another station's MAC address")                                       \
  X(vlan_other, "tagged for another VLAN, or untagged where a tag is configured")                  \
  X(ethertype_unknown, "neither IPv4 nor ARP")                                                     \
  X(arp_malformed, "an ARP packet with wrong types, lengths or addresses")                         \
  X(ip_version, "an IPv4 EtherType with another version number")                                   \
  X(ip_header_length, "IHL below 5 or beyond the frame")                                           \
  X(ip_total_length, "total length below the header or beyond the frame")                          \
  X(ip_checksum, "IPv4 header checksum wrong")                                                     \
  X(ip_source_route, "a source route: not followed (RFC 1122 3.2.1.8, RFC 7126 4.3)")              \
  X(ip_options_malformed, "IPv4 options that run past the header")                                 \
  X(ip_source_invalid, "source is multicast, broadcast, loopback or our own (RFC 1122 3.2.1.3)")   \
  X(not_our_ip, "destination is none of our addresses")                                            \
  X(ip_multicast, "TCP to a multicast or broadcast address (RFC 9293 3.9.2.3, MUST-57)")           \
  X(fragment_malformed, "a fragment of impossible offset or length")                               \
  X(fragment_overlap, "fragments overlap (RFC 5722, RFC 1858)")                                    \
  X(fragment_table_full, "too many datagrams are being reassembled")                               \
  X(fragment_timeout, "a fragment's datagram was not complete in time (RFC 1122 3.3.2)")           \
  X(icmp_malformed, "ICMP too short, wrong checksum, or quoting no TCP header")                    \
  X(icmp_ignored, "an ICMP message that a host need not answer or act on")                         \
  X(icmp_untrusted, "an ICMP error whose quoted segment is not in flight (RFC 5927 4)")            \
  X(icmp_rate_limited, "an answer that the ICMP rate limit held back")                             \
  X(protocol_unknown, "neither TCP nor ICMP: answered with ICMP protocol unreachable")             \
  X(udp_closed, "UDP: answered with ICMP port unreachable")                                        \
  X(tcp_short, "TCP header does not fit the datagram")                                             \
  X(tcp_data_offset, "data offset below 5 or beyond the datagram")                                 \
  X(tcp_checksum, "TCP checksum wrong")                                                            \
  X(tcp_options_malformed, "an option whose length runs past the header (RFC 9293 MUST-7)")        \
  X(tcp_port_zero, "source or destination port 0")                                                 \
  X(tcp_flags_invalid, "to a listener: a SYN with FIN, or none of ACK, SYN and RST")               \
  X(tcp_no_listener, "no such connection and nobody listens: answered with RST")                   \
  X(tcp_rst_no_connection, "RST without a connection: never answered (RFC 9293 3.10.7.1)")         \
  X(tcp_out_of_window, "sequence unacceptable: answered with an ACK (RFC 9293 3.10.7.4)")          \
  X(tcp_ack_unacceptable, "acknowledges what was never sent (RFC 9293 3.10.7.4, RFC 5961 5)")      \
  X(tcp_ack_missing, "no ACK bit where one is required (RFC 9293 3.10.7.4)")                       \
  X(tcp_rst_out_of_window, "RST outside the window (RFC 5961 3)")                                  \
  X(tcp_rst_challenged, "RST inside the window, not at its left edge: challenge ACK (RFC 5961 3)") \
  X(tcp_syn_challenged, "SYN on a synchronized connection: challenge ACK (RFC 5961 4)")            \
  X(tcp_paws, "timestamp older than the last one (RFC 7323 5)")                                    \
  X(tcp_no_timestamp, "timestamps were agreed but this segment has none (RFC 7323 3.2)")           \
  X(tcp_data_after_fin, "data after the peer's FIN")                                               \
  X(tcp_data_after_close, "data after we had closed both ways: answered with RST (RFC 2525 2.17)") \
  X(tcp_reassembly_full, "out of order, and no room to keep it")                                   \
  X(tcp_duplicate, "all of it had arrived before")                                                 \
  X(tcp_draining, "a SYN while the server is draining")                                            \
  X(tcp_cookie_invalid, "an ACK to a listener that answers no SYN cookie: answered with RST")      \
  X(half_open_full, "a SYN while too many handshakes are under way, and cookies are off")          \
  X(table_full, "no room in the flow table or for another connection")                             \
  X(time_wait_full, "refused: TIME_WAIT is full and the policy says refuse")                       \
  X(time_wait_rst, "RST in TIME_WAIT, ignored (RFC 1337 fix F1)")                                  \
  X(time_wait_syn, "SYN in TIME_WAIT, refused (RFC 6191 2)")                                       \
  X(time_wait_segment, "old segment in TIME_WAIT")                                                 \
  X(time_wait_recycle, "SYN older than its host's last timestamp (time_wait.recycle)")             \
  X(neighbour_wait_full, "too many frames wait for an ARP answer")                                 \
  X(neighbour_table_full, "no room in the neighbour cache")                                        \
  X(neighbour_unreachable, "no ARP answer: the frames that waited are dropped")                    \
  X(no_route, "destination is not on-link and no gateway is configured")                           \
  X(no_buffer, "no free packet buffer to answer with")                                             \
  X(transmit_full, "the device took no more frames")                                               \
  X(ring_full, "software RSS: the owning core's ring is full")                                     \
  X(fault_injected, "dropped on purpose by the fault port")

enum class Drop : std::uint8_t {
#define MAYFLY_X(name, help) name,
  MAYFLY_DROP_REASONS(MAYFLY_X)
#undef MAYFLY_X
};

inline constexpr std::size_t kDropCount = 0
#define MAYFLY_X(name, help) +1
    MAYFLY_DROP_REASONS(MAYFLY_X)
#undef MAYFLY_X
    ;

/// The reason's name as the JSON has it, e.g. "tcp_checksum".
constexpr std::string_view name_of(Drop drop) {
  constexpr std::string_view names[] = {
#define MAYFLY_X(name, help) #name,
      MAYFLY_DROP_REASONS(MAYFLY_X)
#undef MAYFLY_X
  };
  return names[static_cast<std::size_t>(drop)];
}

/// Is it the fate of a frame that a shard received? The others concern frames of our own, which
/// could not be sent, frames that never came as far as a shard, and fragments that were counted
/// when they came.
constexpr bool concerns_received(Drop drop) {
  switch (drop) {
    case Drop::none:
    case Drop::fragment_timeout:
    case Drop::icmp_rate_limited:
    case Drop::neighbour_wait_full:
    case Drop::neighbour_table_full:
    case Drop::neighbour_unreachable:
    case Drop::no_route:
    case Drop::no_buffer:
    case Drop::transmit_full:
    case Drop::ring_full:
    case Drop::fault_injected: return false;
    default: return true;
  }
}

/// The reason in words.
constexpr std::string_view help_of(Drop drop) {
  constexpr std::string_view helps[] = {
#define MAYFLY_X(name, help) help,
      MAYFLY_DROP_REASONS(MAYFLY_X)
#undef MAYFLY_X
  };
  return helps[static_cast<std::size_t>(drop)];
}

}  // namespace mayfly
