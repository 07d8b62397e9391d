// What the services keep of a connection, in the 32 bytes that the stack reserves for the app.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>

#include "base/slab.h"
#include "service/settings.h"
#include "shard/app.h"

namespace mayfly::service {

/// How far a connection is, as a service sees it. ClosePolicy handles all phases but `open`.
enum class Phase : std::uint8_t {
  open,       ///< text is taken, answers are given
  finishing,  ///< the last answer is queued, not yet acknowledged; then the policy decides
  grace,      ///< the last answer has arrived: the client may close first until the grace ends
  lingering,  ///< our FIN follows the last answer; what the client still sends is read and dropped
  closed,     ///< the service is done with both directions; TCP ends the connection
};

// Why a service let a connection end; each connection counts once. X(name, what is counted)
#define MAYFLY_ENDINGS(X)                                                                          \
  X(lost, "connections ended by the peer's RST, by a time-out of TCP, or by the network")          \
  X(server_first, "connections that the server closed first")                                      \
  X(client_first, "connections that the client closed first")                                      \
  X(grace_ended,                                                                                   \
    "connections closed when the grace had ended: the client waited for the server's FIN")         \
  X(aborted, "connections that the server closed with RST (close.abort)")                          \
  X(request_timeout,                                                                               \
    "connections on which no whole request arrived within http.request_timeout: 408")              \
  X(keep_alive_timeout, "connections that were idle between requests for http.keep_alive_timeout") \
  X(stalled, "connections reset since the client took next to nothing of an answer for a minute")

enum class Ending : std::uint8_t {
#define MAYFLY_X(name, help) name,
  MAYFLY_ENDINGS(MAYFLY_X)
#undef MAYFLY_X
};
#define MAYFLY_X(name, help) +1
inline constexpr std::size_t kEndingCount = 0 MAYFLY_ENDINGS(MAYFLY_X);
#undef MAYFLY_X

/// As the JSON has it: "lost", "server_first", ...
constexpr std::string_view name_of(Ending ending) {
#define MAYFLY_X(name, help) #name,
  constexpr std::string_view names[] = {MAYFLY_ENDINGS(MAYFLY_X)};
#undef MAYFLY_X
  return names[static_cast<std::size_t>(ending)];
}

/// What its counter counts, in words.
constexpr std::string_view help_of(Ending ending) {
#define MAYFLY_X(name, help) help,
  constexpr std::string_view helps[] = {MAYFLY_ENDINGS(MAYFLY_X)};
#undef MAYFLY_X
  return helps[static_cast<std::size_t>(ending)];
}

struct ServiceState {
  std::uint32_t pending = 0;        ///< the response that waits for room to be sent; 0 = none
  std::uint32_t requests = 0;       ///< answered on this connection
  std::uint32_t parser = kNoIndex;  ///< holds the request that is half read
  ServiceKind service = ServiceKind::http;
  Phase phase = Phase::open;
  Ending ending = Ending::lost;
  bool peer_closed = false;   ///< the client's FIN has been taken
  bool head_only = false;     ///< `pending` answers HEAD
  bool lead_sent = false;     ///< of `pending`, only the rest of the body waits
  bool last = false;          ///< no request is answered after `pending`
  bool unread = false;        ///< the request that `pending` answers was not read to its end
  bool aborts = false;        ///< it ends with RST: decided when the end began
  std::uint64_t untaken = 0;  ///< octets queued when the client's time to take some began; 0 = none
};
static_assert(sizeof(ServiceState) <= sizeof(flow::AppState) &&
              std::is_trivially_copyable_v<ServiceState>);

template <class Conn>
ServiceState& open_state(Conn& c) noexcept {
  return *::new (static_cast<void*>(&c.state())) ServiceState{};
}

template <class Conn>
ServiceState& state_of(Conn& c) noexcept {
  return *std::launder(reinterpret_cast<ServiceState*>(&c.state()));
}

}  // namespace mayfly::service
