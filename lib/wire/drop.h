// Every reason for which a frame is dropped. One list makes the enum, its counter, its name in the
// JSON, whose loss it is and its help text; tests fail for a reason that nothing tests, or that
// doc/drops.md or doc/json.md lacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly::wire {

/// Whose loss a drop is; counts of one kind add up.
enum class LossOf : std::uint8_t {
  nobody,    ///< not a drop
  received,  ///< a frame that a shard received: with rx_handled these are all of rx_packets
  own,       ///< a frame of our own that could not be sent, or was held back
  below,     ///< frames that were lost below the shard, by the port, and never came as far
};

// X(name, whose loss it is, what is counted: shown by doc/json.md)
#define MAYFLY_DROP_REASONS(X)                                                                     \
  X(none, nobody, "not dropped")                                                                   \
  X(frame_short, received, "frames shorter than their own headers say")                            \
  X(frame_chained, received, "frames in several buffers that do not fit into one")                 \
  X(not_our_mac, received, "unicast frames to another station's MAC address")                      \
  X(vlan_other, received, "frames of another VLAN, or untagged where a tag is configured")         \
  X(ethertype_unknown, received,                                                                   \
    "frames that carry neither IPv4 nor ARP, nor IPv6 that is in use")                             \
  X(arp_malformed, received, "ARP packets with wrong types, lengths or addresses")                 \
  X(ip_version, received, "frames of an IP EtherType with another version number")                 \
  X(ip_header_length, received, "IPv4 packets with an IHL below 5 or beyond the frame")            \
  X(ip_total_length, received, "IP packets with a length below the header or beyond the frame")    \
  X(ip_checksum, received, "IPv4 packets with a wrong header checksum")                            \
  X(ip_source_route, received,                                                                     \
    "IPv4 packets with a source route: not followed (RFC 1122 3.2.1.8, RFC 7126 4.3)")             \
  X(ip_options_malformed, received, "IPv4 packets whose options run past the header")              \
  X(ip_source_invalid, received,                                                                   \
    "IP packets from a multicast, broadcast, loopback or own address (RFC 1122 3.2.1.3)")          \
  X(not_our_ip, received, "IP packets to none of our addresses")                                   \
  X(ip_multicast, received,                                                                        \
    "TCP segments to a multicast or broadcast address (RFC 9293 3.9.2.3, MUST-57)")                \
  X(fragment_malformed, received, "IP fragments of impossible offset or length")                   \
  X(fragment_overlap, received, "IP fragments that overlap (RFC 5722, RFC 1858)")                  \
  X(fragment_table_full, below,                                                                    \
    "IP datagrams given up because too many others were being reassembled")                        \
  X(fragment_timeout, below,                                                                       \
    "IP datagrams given up since fragments were missing for too long (RFC 1122 3.3.2)")            \
  X(ip6_chain, received,                                                                           \
    "IPv6 packets whose extension headers run past the packet, are too many or lead to nothing "   \
    "(RFC 8200 4)")                                                                                \
  X(ip6_option, received,                                                                          \
    "IPv6 packets with an unknown option that says to drop them (RFC 8200 4.2)")                   \
  X(ip6_routing, received,                                                                         \
    "IPv6 packets with a routing header that is not used up (RFC 8200 4.4, RFC 5095)")             \
  X(ip6_first_fragment, received,                                                                  \
    "first IPv6 fragments without the whole chain of headers (RFC 7112 5)")                        \
  X(nd_invalid, received,                                                                          \
    "neighbour discovery that fails a check of RFC 4861 7.1 or RFC 6980: hop limit, code, "        \
    "length, address or fragment")                                                                 \
  X(icmp_malformed, received,                                                                      \
    "ICMP messages too short, with a wrong checksum, or quoting no TCP header")                    \
  X(icmp_ignored, received, "ICMP messages that a host need not answer or act on")                 \
  X(icmp_untrusted, received, "ICMP errors whose quoted segment is not in flight (RFC 5927 4)")    \
  X(icmp_rate_limited, own, "ICMP answers held back by the rate limit")                            \
  X(protocol_unknown, received,                                                                    \
    "IP packets neither TCP, UDP nor ICMP: answered with ICMP protocol unreachable, IPv6 with "    \
    "parameter problem")                                                                           \
  X(udp_closed, received, "UDP datagrams: answered with ICMP port unreachable")                    \
  X(tcp_short, received, "TCP segments whose header does not fit the datagram")                    \
  X(tcp_data_offset, received, "TCP segments with a data offset below 5 or beyond the datagram")   \
  X(tcp_checksum, received, "TCP segments with a wrong checksum")                                  \
  X(tcp_options_malformed, received,                                                               \
    "TCP segments with an option that runs past the header (RFC 9293 MUST-7)")                     \
  X(tcp_port_zero, received, "TCP segments with source or destination port 0")                     \
  X(tcp_flags_invalid, received,                                                                   \
    "segments to a listener: a SYN with FIN, or none of ACK, SYN and RST")                         \
  X(tcp_no_listener, received,                                                                     \
    "segments of no connection to a port that nobody listens on: answered with RST")               \
  X(tcp_rst_no_connection, received, "RSTs of no connection: never answered (RFC 9293 3.10.7.1)")  \
  X(tcp_out_of_window, received,                                                                   \
    "segments with an unacceptable sequence number: answered with an ACK (RFC 9293 3.10.7.4)")     \
  X(tcp_ack_unacceptable, received,                                                                \
    "segments that acknowledge what was never sent (RFC 9293 3.10.7.4, RFC 5961 5)")               \
  X(tcp_ack_missing, received,                                                                     \
    "segments without the ACK bit where one is required (RFC 9293 3.10.7.4)")                      \
  X(tcp_rst_out_of_window, received, "RSTs outside the window (RFC 5961 3)")                       \
  X(tcp_rst_challenged, received,                                                                  \
    "RSTs inside the window, not at its left edge: challenge ACK (RFC 5961 3)")                    \
  X(tcp_syn_challenged, received, "SYNs on a synchronized connection: challenge ACK (RFC 5961 4)") \
  X(tcp_paws, received, "segments with a timestamp older than the last one (RFC 7323 5)")          \
  X(tcp_no_timestamp, received,                                                                    \
    "segments without the agreed timestamps, with tcp.timestamps_missing: drop (RFC 7323 3.2)")    \
  X(tcp_data_after_fin, received, "segments with data after the peer's FIN")                       \
  X(tcp_data_after_close, received,                                                                \
    "segments with data after we had closed both ways: answered with RST (RFC 2525 2.17)")         \
  X(tcp_reassembly_full, received, "segments out of order that there is no room to keep")          \
  X(tcp_duplicate, received, "segments of which all had arrived before")                           \
  X(overload, received, "SYNs dropped because frames arrive faster than they can be handled")      \
  X(tcp_draining, received, "SYNs while the server is draining")                                   \
  X(tcp_cookie_invalid, received,                                                                  \
    "ACKs to a listener that answer no SYN cookie: answered with RST")                             \
  X(cluster_not_sent_on, received,                                                                 \
    "segments for the next server of a cluster that are too large or too many to be sent on, or "  \
    "while none is there that might know the flow")                                                \
  X(cluster_inner_invalid, received,                                                               \
    "what came inside a packet from a balancer or a server of the cluster, and is neither a "      \
    "whole "                                                                                       \
    "TCP segment nor, from a balancer, ICMP")                                                      \
  X(half_open_full, received, "SYNs while too many handshakes are under way and cookies are off")  \
  X(table_full, received, "SYNs without room in the flow table or for another connection")         \
  X(time_wait_full, received, "SYNs refused since TIME_WAIT is full and the policy says refuse")   \
  X(time_wait_rst, received, "RSTs in TIME_WAIT, ignored (RFC 1337 fix F1)")                       \
  X(time_wait_syn, received, "SYNs in TIME_WAIT, refused (RFC 6191 2)")                            \
  X(time_wait_segment, received, "old segments in TIME_WAIT")                                      \
  X(time_wait_recycle, received,                                                                   \
    "SYNs older than their host's last timestamp (time_wait.recycle)")                             \
  X(neighbour_wait_full, own,                                                                      \
    "frames not sent since too many wait for an answer to ARP or neighbour discovery")             \
  X(neighbour_table_full, own, "frames not sent since the neighbour cache is full")                \
  X(neighbour_unreachable, own,                                                                    \
    "frames not sent since nobody answered ARP or neighbour discovery")                            \
  X(no_route, own,                                                                                 \
    "frames not sent since the destination is not on-link and no gateway is configured")           \
  X(no_buffer, own, "frames not sent since no packet buffer was free")                             \
  X(transmit_full, own, "frames that the device did not take")                                     \
  X(link_stalled, own, "segments for a port whose device has taken no frame for 100 ms")           \
  X(ring_full, below, "frames lost since the owning core's ring was full (software RSS)")          \
  X(exception_limited, below,                                                                      \
    "frames for the kernel beyond what its part of the port may take (ports.N.exception)")         \
  X(exception_refused, below,                                                                      \
    "frames for the kernel that its device did not take, or that are longer than its MTU")         \
  X(device_refused, below, "frames that the device took and then could not send")                  \
  X(device_missed, below, "frames that the device lost before a core read them")                   \
  X(fault_injected, below, "frames dropped on purpose by the fault port")

/// A reason; `none` = not dropped.
enum class Drop : std::uint8_t {
#define MAYFLY_X(name, loss, help) name,
  MAYFLY_DROP_REASONS(MAYFLY_X)
#undef MAYFLY_X
};

/// With `none`.
inline constexpr std::size_t kDropCount = 0
#define MAYFLY_X(name, loss, help) +1
    MAYFLY_DROP_REASONS(MAYFLY_X)
#undef MAYFLY_X
    ;

/// The reason's name as the JSON has it, e.g. "tcp_checksum".
constexpr std::string_view name_of(Drop drop) {
  constexpr std::string_view names[] = {
#define MAYFLY_X(name, loss, help) #name,
      MAYFLY_DROP_REASONS(MAYFLY_X)
#undef MAYFLY_X
  };
  return names[static_cast<std::size_t>(drop)];
}

/// LossOf for each Drop, by its number.
inline constexpr LossOf kLosses[kDropCount] = {
#define MAYFLY_X(name, loss, help) LossOf::loss,
    MAYFLY_DROP_REASONS(MAYFLY_X)
#undef MAYFLY_X
};

/// Whose loss it is.
constexpr LossOf loss_of(Drop drop) { return kLosses[static_cast<std::size_t>(drop)]; }

/// True if the reason is about a frame that a shard received.
constexpr bool concerns_received(Drop drop) { return loss_of(drop) == LossOf::received; }

/// As doc/drops.md has it, e.g. "received".
constexpr std::string_view name_of(LossOf loss) {
  constexpr std::string_view names[] = {"nobody", "received", "own", "below"};
  return names[static_cast<std::size_t>(loss)];
}

/// What the reason counts, in words.
constexpr std::string_view help_of(Drop drop) {
  constexpr std::string_view helps[] = {
#define MAYFLY_X(name, loss, help) help,
      MAYFLY_DROP_REASONS(MAYFLY_X)
#undef MAYFLY_X
  };
  return helps[static_cast<std::size_t>(drop)];
}

}  // namespace mayfly::wire

namespace mayfly {  // vocabulary
using wire::Drop;
}  // namespace mayfly
