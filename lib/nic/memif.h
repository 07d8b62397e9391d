// Special cases of net_memif: a client waits for its server, and a stale socket file is removed.
#pragma once

#include <string>
#include <string_view>

namespace mayfly::nic {

/// True if a device with these devargs is a memif that waits for its server.
bool is_memif_client(std::string_view devargs);

/// True if it shares the memory of its frames with the other end. Frames then stay in its rings.
bool is_zero_copy(std::string_view devargs);

/// For a memif server on a socket file: removes the file if a process that has ended left it. With
/// the file, the start would fail with "Address already in use". Does nothing for other devices,
/// and for sockets on which a process listens.
void remove_stale_memif_socket(std::string_view devargs);

/// What a memif client waits for, in words: "a memif server on /run/mayfly.sock, id 0".
std::string memif_peer_words(std::string_view devargs);

}  // namespace mayfly::nic
