#include "admin/socket_client.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

namespace mayfly::admin {

Result<SocketAnswer> ask_socket(const std::string& path, const std::string& method,
                                const std::string& target, const std::string& body,
                                Duration patience) {
  httplib::Client client(path);
  client.set_address_family(AF_UNIX);
  const std::chrono::microseconds limit(patience.us);
  client.set_connection_timeout(limit);
  client.set_read_timeout(limit);
  client.set_write_timeout(limit);
  httplib::Request request;
  request.method = method;
  request.path = target;
  request.set_header("Host", "localhost");
  if (!body.empty()) {
    request.set_header("Content-Type", "application/json");
    request.body = body;
  }
  const httplib::Result answer = client.send(request);
  if (answer) return SocketAnswer{answer->status, answer->body};
  if (answer.error() == httplib::Error::Connection)
    return Error{fmt::format("nobody listens on {}", path)};
  if (answer.error() == httplib::Error::Read)
    return Error{fmt::format("{}: no answer in {} s", path, patience.seconds())};
  return Error{fmt::format("{}: {}", path, to_string(answer.error()))};
}

}  // namespace mayfly::admin
