// Where an HTTP request begins and ends in what a client has sent, before a library reads it. Only
// header fields that the API obeys are handed on, so hostile ones reach nothing that could be hurt.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mayfly::admin {

struct FramedRequest {
  enum class State {
    incomplete,  ///< more is to come
    whole,
    refused,  ///< it is no request that is answered; `status` and `why` say so
  };
  State state = State::incomplete;
  std::size_t length = 0;  ///< whole: bytes of the input that it took
  std::string text;        ///< whole: the request with the fields that are obeyed, and its body
  int status = 0;
  std::string_view why;
};

/// Most bytes of a request line with all header fields, and of a body.
inline constexpr std::size_t kHeadMax = 16 * 1024, kBodyMax = 64 * 1024;

/// The first request in `in`. A body needs a Content-Length (RFC 9112 6.3); chunks are refused.
FramedRequest frame_request(std::string_view in);

}  // namespace mayfly::admin
