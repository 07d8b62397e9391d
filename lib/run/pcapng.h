// The blocks of a pcapng file (draft-ietf-opsawg-pcapng), in the host's byte order. DPDK 22.11 has
// rte_pcapng, whose packets carry no comments (doc/decisions/0020).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mayfly::run::pcapng {

/// Appends the head of a file, which names its writer.
void add_section(std::string& file, std::string_view application);
/// Appends an Ethernet interface; they are numbered from 0 in their order.
void add_interface(std::string& file, std::string_view name, std::uint32_t bytes_max);

struct Packet {
  std::uint32_t interface = 0;
  std::int64_t at_us = 0;    ///< since 1970
  std::uint32_t length = 0;  ///< on the wire
  bool is_sent = false;
  std::string_view comment;
};
/// Appends a packet, of which `bytes` were captured.
void add_packet(std::string& file, const Packet& packet, std::span<const std::byte> bytes);

}  // namespace mayfly::run::pcapng
