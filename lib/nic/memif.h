// What net_memif needs around it: who waits for whom, and a stale socket file out of the way.
#pragma once

#include <string>
#include <string_view>

namespace mayfly::nic {

/// Whether a device with these devargs is a memif that waits for its server.
bool is_memif_client(std::string_view devargs);

/// Whether it shares the memory of its frames with the other end: then they stay in its rings.
bool is_zero_copy(std::string_view devargs);

/// Of devargs of a memif server on a socket file: removes the file if a process that is gone left
/// it behind, which would fail the start with "Address already in use". Other devices, and sockets
/// that someone listens on, are left alone.
void remove_stale_memif_socket(std::string_view devargs);

/// "a memif server on /run/mayfly.sock, id 0": what a memif client waits for.
std::string memif_peer_words(std::string_view devargs);

}  // namespace mayfly::nic
