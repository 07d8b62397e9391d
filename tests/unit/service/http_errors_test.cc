// What the server refuses, and how.
#include <gtest/gtest.h>

#include <string>

#include "http_fixture.h"

namespace mayfly::testing {
namespace {

using shard::Closer;

struct Case {
  std::string request;
  int status;
};

void expect_refused(const Case& c) {
  Server server(Closer::server);
  Client client(server.services);
  const Reply reply = ask(client, c.request);
  EXPECT_EQ(reply.status, c.status) << c.request;
  EXPECT_EQ(reply.field("connection"), "close") << c.request;
  EXPECT_EQ(reply.field("content-length"), std::to_string(reply.body.size())) << c.request;
  EXPECT_TRUE(client.saw_fin()) << c.request;
  EXPECT_EQ(server.services.http().parsers_used(), 0u) << c.request;
}

void expect_refused(std::initializer_list<Case> cases) {
  for (const Case& c : cases) expect_refused(c);
}

TEST(HttpErrors, NotFound) {
  expect_refused({{get("/none"), 404},
                  {get("/big/"), 404},
                  {"POST /none HTTP/1.1\r\nHost: m\r\n\r\n", 404},
                  {get("/a%2520b"), 404}});
}

TEST(HttpErrors, MethodNotAllowedNamesTheAllowedOnes) {
  Server server(Closer::server);
  Client client(server.services);
  const Reply reply = ask(client, "POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.field("allow"), "GET, HEAD");
  expect_refused({{"DELETE / HTTP/1.1\r\nHost: m\r\n\r\n", 405},
                  {"OPTIONS * HTTP/1.1\r\nHost: m\r\n\r\n", 405},
                  {"CONNECT m:443 HTTP/1.1\r\nHost: m:443\r\n\r\n", 405}});
}

TEST(HttpErrors, NotImplemented) {
  expect_refused({{"BREW / HTTP/1.1\r\nHost: m\r\n\r\n", 501},
                  {"get / HTTP/1.1\r\nHost: m\r\n\r\n", 501},
                  {"GETS / HTTP/1.1\r\nHost: m\r\n\r\n", 501},
                  {get("/", "Transfer-Encoding: gzip, chunked\r\n"), 501}});
}

TEST(HttpErrors, VersionNotSupported) {
  expect_refused({{"GET / HTTP/2.0\r\nHost: m\r\n\r\n", 505},
                  {"GET / HTTP/3.1\r\nHost: m\r\n\r\n", 505},
                  {"GET / HTTP/0.9\r\n\r\n", 505}});
}

TEST(HttpErrors, MalformedRequestLines) {
  expect_refused({{"GET  / HTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {"GET / HTTP/1.1 \r\nHost: m\r\n\r\n", 400},
                  {"GET / HTTX/1.1\r\nHost: m\r\n\r\n", 400},
                  {"GET / HTTP/one\r\nHost: m\r\n\r\n", 400},
                  {" GET / HTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {"GET * HTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {"GET mayfly HTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {"GET ftp://m/ HTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {"GET http:/// HTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {"GET /%zz HTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {"GET /% HTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {"GET /%00 HTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
                  {"\x16\x03\x01 TLS", 400}});
}

TEST(HttpErrors, HostIsRequiredOnceAndValid) {
  expect_refused({{"GET / HTTP/1.1\r\n\r\n", 400},
                  {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
                  {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
                  {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
                  {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400}});
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, "GET / HTTP/1.1\r\nHost:\r\n\r\n").status, 200)
      << "RFC 9110 7.2: may be empty";
  EXPECT_EQ(ask(client, "GET / HTTP/1.1\r\nhOST:\t[::1]:80 \r\n\r\n").status, 200);
}

TEST(HttpErrors, NothingMayMeanTwoThings) {
  expect_refused({
      {get("/", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
      {get("/", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400},
      {get("/", "Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
      {get("/", "Content-Length: 3, 4\r\n"), 400},
      {get("/", "Content-Length: +3\r\n"), 400},
      {get("/", "Content-Length: -3\r\n"), 400},
      {get("/", "Content-Length: 0x3\r\n"), 400},
      {get("/", "Content-Length: 3 3\r\n"), 400},
      {get("/", "Content-Length:\r\n"), 400},
      {get("/", "Content-Length: 99999999999999999999999999\r\n"), 400},
      {get("/", "Content-Length : 3\r\n"), 400},
      {get("/", "Transfer-Encoding: chunked, chunked\r\n"), 400},
      {get("/", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {get("/", "Transfer-Encoding: gzip\r\n"), 400},
      {get("/", "Transfer-Encoding: chunked, gzip\r\n"), 400},
      {get("/", "Transfer-Encoding: xchunked\r\n"), 400},
      {get("/", "Transfer-Encoding:\r\n"), 400},
      {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
  });
}

TEST(HttpErrors, HeadersHaveOneForm) {
  using std::literals::string_literals::operator""s;
  expect_refused({{get("/", "A: b\r\n c\r\n"), 400},
                  {get("/", "A: b\r\n\tc\r\n"), 400},
                  {"GET / HTTP/1.1\r\n Host: m\r\n\r\n", 400},
                  {get("/", "A: b\n"), 400},
                  {get("/", "A: b\rC: d\r\n"), 400},
                  {"GET / HTTP/1.1\nHost: m\n\n", 400},
                  {get("/", "A : b\r\n"), 400},
                  {get("/", "A\r\n"), 400},
                  {get("/", ": b\r\n"), 400},
                  {get("/", "A: \0\r\n"s), 400},
                  {get("/", "A\0: b\r\n"s), 400},
                  {get("/", "A: \x1b\r\n"), 400},
                  {get("/", "A: \x7f\r\n"), 400},
                  {get("/", "A(b): c\r\n"), 400},
                  {get("/", "\x80: c\r\n"), 400}});
}

TEST(HttpErrors, MalformedChunks) {
  const std::string head = get("/", "Transfer-Encoding: chunked\r\n");
  expect_refused({{head + "x\r\n", 400},
                  {head + "\r\n", 400},
                  {head + "3\r\nabcd\r\n", 400},
                  {head + "3\nabc\r\n", 400},
                  {head + "-1\r\n", 400},
                  {head + "0x3\r\nabc\r\n", 400},
                  {head + "fffffffffffffffff\r\n", 400},
                  {head + "3\r\nabc\n0\r\n\r\n", 400}});
}

TEST(HttpErrors, TooMuch) {
  service::ServerSettings settings = small_settings(Closer::server);
  settings.http.header_bytes_max = 4'096;
  settings.http.body_bytes_max = 1'000;
  const std::string long_field = "A: " + std::string(4'096, 'x') + "\r\n";
  const std::string chunked = get("/", "Transfer-Encoding: chunked\r\n");
  std::string one_byte_chunks, extensions;
  for (int i = 0; i < 1'001; ++i) one_byte_chunks += "1\r\nx\r\n";
  for (int i = 0; i < 20; ++i) extensions += "1;" + std::string(1'000, 'e') + "\r\nx\r\n";
  for (const Case& c : {Case{get("/", long_field), 431},
                        {get("/" + std::string(5'000, 'x')), 431},
                        {get("/" + std::string(2'000, 'x')), 414},
                        {get("/?" + std::string(2'000, 'x')), 200},
                        {get("/", "Content-Length: 1001\r\n"), 413},
                        {get("/", "Content-Length: 1000\r\n") + std::string(1'000, 'x'), 200},
                        {chunked + "3e9\r\n" + std::string(1'001, 'x') + "\r\n0\r\n\r\n", 413},
                        {chunked + "3e8\r\n" + std::string(1'000, 'x') + "\r\n0\r\n\r\n", 200},
                        {chunked + one_byte_chunks + "0\r\n\r\n", 413},
                        {chunked + extensions + "0\r\n\r\n", 413},
                        {get("/", "Expect: 100-continue\r\nContent-Length: 9999\r\n"), 413},
                        {get("/", "Expect: 200-maybe\r\n"), 417}}) {
    Server server(settings);
    Client client(server.services);
    EXPECT_EQ(ask(client, c.request).status, c.status) << c.request.substr(0, 60);
    EXPECT_EQ(server.services.http().parsers_used(), 0u);
  }
}

TEST(HttpErrors, AnErrorAnswersHeadWithoutABody) {
  Server server(Closer::server);
  Client client(server.services);
  client.send("HEAD /none HTTP/1.1\r\nHost: m\r\n\r\n");
  const std::string text = client.read();
  EXPECT_TRUE(text.starts_with("HTTP/1.1 404 ") && text.ends_with("\r\n\r\n")) << text;
}

// RFC 9112 9.6: closing both directions would answer the rest of the body with RST.
TEST(HttpErrors, ReadsOnForAWhileWhatItHasRefused) {
  Server server(Closer::server);
  Client client(server.services);
  client.send("POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 60000\r\n\r\n");
  EXPECT_TRUE(client.saw_fin());
  EXPECT_FALSE(client.is_deaf());
  client.send(std::string(60'000, 'x'));
  EXPECT_EQ(client.held_back(), 0u);
  EXPECT_EQ(read_replies(client).size(), 1u);
  client.after(server.settings.close.linger);
  EXPECT_TRUE(client.is_deaf());
  client.shut();
  EXPECT_EQ(server.closes(service::Ending::server_first), 1u);
}

}  // namespace
}  // namespace mayfly::testing
