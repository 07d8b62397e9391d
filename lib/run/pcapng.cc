#include "run/pcapng.h"

#include <cstring>
#include <initializer_list>

namespace mayfly::run::pcapng {
namespace {

constexpr std::uint32_t kSection = 0x0a0d'0d0a, kByteOrder = 0x1a2b'3c4d, kInterface = 1,
                        kEnhancedPacket = 6;
constexpr std::uint16_t kEnd = 0, kComment = 1, kName = 2, kPacketFlags = 2, kApplication = 4;
constexpr std::uint16_t kEthernet = 1;
constexpr std::uint32_t kInbound = 1, kOutbound = 2;

template <class N>
void add(std::string& out, N number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

void add_padded(std::string& out, std::string_view bytes) {
  out += bytes;
  out.append((4 - bytes.size() % 4) % 4, '\0');
}

void add_option(std::string& out, std::uint16_t code, std::string_view value) {
  add(out, code);
  add(out, static_cast<std::uint16_t>(value.size()));
  add_padded(out, value);
}

void add_end(std::string& out) { add_option(out, kEnd, ""); }

/// A block has its length before and after its body.
void add_block(std::string& file, std::uint32_t type, std::string_view body) {
  const auto length = static_cast<std::uint32_t>(body.size() + 12);
  add(file, type);
  add(file, length);
  file += body;
  add(file, length);
}

}  // namespace

void add_section(std::string& file, std::string_view application) {
  std::string body;
  add(body, kByteOrder);
  add(body, std::uint16_t{1});  // version 1.0
  add(body, std::uint16_t{0});
  add(body, std::int64_t{-1});  // the length of the section is not said
  add_option(body, kApplication, application);
  add_end(body);
  add_block(file, kSection, body);
}

void add_interface(std::string& file, std::string_view name, std::uint32_t bytes_max) {
  std::string body;
  add(body, kEthernet);
  add(body, std::uint16_t{0});
  add(body, bytes_max);
  add_option(body, kName, name);
  add_end(body);
  add_block(file, kInterface, body);
}

// Times are microseconds, which is what they are without if_tsresol.
void add_packet(std::string& file, const Packet& packet, std::span<const std::byte> bytes) {
  std::string body;
  add(body, packet.interface);
  add(body, static_cast<std::uint32_t>(packet.at_us >> 32));
  add(body, static_cast<std::uint32_t>(packet.at_us));
  add(body, static_cast<std::uint32_t>(bytes.size()));
  add(body, packet.length);
  add_padded(body, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!packet.comment.empty()) add_option(body, kComment, packet.comment);
  std::string direction;
  add(direction, packet.is_sent ? kOutbound : kInbound);
  add_option(body, kPacketFlags, direction);
  add_end(body);
  add_block(file, kEnhancedPacket, body);
}

}  // namespace mayfly::run::pcapng
