#include "admin/http_framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using admin::frame_request, admin::FramedRequest;
using State = FramedRequest::State;
using ::testing::HasSubstr;
using ::testing::Not;

/// The status with which it is refused; 0 if it is not.
int status_of(const std::string& in) {
  const FramedRequest request = frame_request(in);
  return request.state == State::refused ? request.status : 0;
}

TEST(HttpFraming, EndsARequestAfterItsBody) {
  const std::string first = "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
  for (std::size_t i = 0; i < first.size(); ++i)
    EXPECT_EQ(frame_request(first.substr(0, i)).state, State::incomplete) << i;
  const FramedRequest request = frame_request(first + "GET / HTTP/1.1\r\n");
  EXPECT_EQ(request.state, State::whole);
  EXPECT_EQ(request.length, first.size());
  EXPECT_EQ(request.text, "PUT /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}");
}

TEST(HttpFraming, HandsOnTheFieldsThatAreObeyedAlone) {
  const auto request = frame_request(
      "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\nAccept-Encoding: br\r\nCookie: x\r\n"
      "ORIGIN:\t http://a \r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n");
  EXPECT_EQ(request.text,
            "GET / HTTP/1.1\r\nhost: a\r\norigin: http://a\r\ncontent-length: 0\r\n\r\n");
}

TEST(HttpFraming, RefusesWhatIsNoRequest) {
  EXPECT_EQ(status_of("\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /\x01 HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nno colon\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n: x\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: x\ny\r\n\r\n"), 400);
  EXPECT_EQ(status_of("PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400);
  EXPECT_EQ(status_of("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 411);
  EXPECT_EQ(status_of("GET /" + std::string(4'000, 'x') + " HTTP/1.1\r\n\r\n"), 400);
}

TEST(HttpFraming, RefusesWhatIsTooLongBeforeItHasArrived) {
  EXPECT_EQ(status_of("PUT / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n"), 413);
  EXPECT_EQ(status_of("PUT / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"), 400);
  const std::string endless = "GET / HTTP/1.1\r\nA: " + std::string(admin::kHeadMax, 'x');
  EXPECT_EQ(status_of(endless), 431);
  EXPECT_EQ(status_of(endless.substr(0, admin::kHeadMax - 1)), 0);
}

}  // namespace
}  // namespace mayfly::testing
