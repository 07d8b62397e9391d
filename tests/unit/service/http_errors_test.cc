// What the server refuses, and how.
#include <gtest/gtest.h>

#include <string>

#include "http_fixture.h"

namespace mayfly::testing {
namespace {

using shard::Closer;
using std::literals::string_literals::operator""s;

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
                        {get("/" + std::string(5'000, 'x')), 414},
                        {get("/?" + std::string(5'000, 'x')), 414},
                        {get("/" + std::string(2'000, 'x'), long_field), 414},
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

// RFC 9110 9.3.2, whatever is wrong.
TEST(HttpErrors, HeadNeverGetsContent) {
  const std::string head = "HEAD / HTTP/1.1\r\nHost: m\r\n";
  const std::string much = "X: " + std::string(9'000, 'x') + "\r\n\r\n";
  for (const Case& c : {Case{"HEAD /none HTTP/1.1\r\nHost: m\r\n\r\n", 404},
                        {"HEAD / HTTP/1.1\r\n\r\n", 400},
                        {"HEAD  / HTTP/1.1\r\n", 400},
                        {"HEAD\t/ HTTP/1.1\r\n", 400},
                        {"HEAD\x01", 400},
                        {"\r\nHEAD / HTTP/1.1\r\n folded", 400},
                        {head + "Host: m\r\n\r\n", 400},
                        {head + "A: \x01\r\n", 400},
                        {head + "Content-Length: 9999999\r\n\r\n", 413},
                        {head + "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400},
                        {head + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
                        {head + "Expect: much\r\n\r\n", 417},
                        {head + much, 431},
                        {"HEAD /" + std::string(2'000, 'p') + " HTTP/1.1\r\nHost: m\r\n\r\n", 414},
                        {"HEAD / HTTP/2.0\r\nHost: m\r\n\r\n", 505}}) {
    for (const std::size_t cut : {c.request.size(), std::size_t{3}, std::size_t{5}}) {
      Server server(Closer::server);
      Client client(server.services);
      client.send(std::string_view(c.request).substr(0, cut));
      if (cut < c.request.size()) client.send(std::string_view(c.request).substr(cut));
      const std::string text = client.read();
      EXPECT_TRUE(text.starts_with("HTTP/1.1 " + std::to_string(c.status))) << c.request << text;
      EXPECT_TRUE(text.ends_with("\r\n\r\n")) << c.request << text;
    }
  }
}

TEST(HttpErrors, AHeadThatIsLateIsAnsweredWithoutContent) {
  Server server(Closer::server);
  Client client(server.services);
  client.send("HEAD / HTTP/1.1\r\n");
  client.after(10_s);
  const std::string text = client.read();
  EXPECT_TRUE(text.starts_with("HTTP/1.1 408 ") && text.ends_with("\r\n\r\n")) << text;
}

TEST(HttpErrors, OtherMethodsThatBeginLikeHeadGetContent) {
  for (const char* method : {"HEADER", "HEADS", "AHEAD"}) {
    Server server(Closer::server);
    Client client(server.services);
    const Reply reply = ask(client, std::string(method) + " / HTTP/1.1\r\nHost: m\r\n\r\n");
    EXPECT_EQ(reply.status, 501) << method;
    EXPECT_NE(reply.body, "") << method;
  }
}

TEST(HttpErrors, ASilentClientAfterAHeadGetsItsErrorWithContent) {
  Server server(Closer::client);
  Client client(server.services);
  client.send("HEAD / HTTP/1.1\r\nHost: m\r\n\r\n");
  client.read();
  client.send("GET");
  client.after(10_s);
  EXPECT_EQ(read_replies(client)[0].body, "408 Request Timeout\n");
}

// RFC 9112 5.2, 7.1.2.
TEST(HttpErrors, TrailersHaveTheFormOfHeaders) {
  const std::string head = get("/", "Transfer-Encoding: chunked\r\n") + "1\r\nx\r\n0\r\n";
  expect_refused({{head + "T: a\r\n b\r\n\r\n", 400},
                  {head + "T: a\r\n\tb\r\n\r\n", 400},
                  {head + " T: a\r\n\r\n", 400},
                  {head + "T: a\n\r\n", 400},
                  {head + "T\r\n\r\n", 400},
                  {head + "T : a\r\n\r\n", 400},
                  {head + "T: \0\r\n\r\n"s, 400},
                  {head + "T: a\r\n\n", 400}});
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, head + "T: a\tb\r\nHost: again\r\nU:\r\n\r\n").status, 200);
  EXPECT_EQ(ask(client, head + "\r\n").status, 200);
}

// RFC 9110 4.2.4.
TEST(HttpErrors, UserinfoInTheTargetIsRefused) {
  expect_refused({{get("http://user@mayfly/"), 400},
                  {get("http://user:secret@mayfly/small"), 400},
                  {get("http://@mayfly/"), 400},
                  {get("http://mayfly%40x@y/"), 400},
                  {get("http://:80/"), 400}});
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/small?mail=a@b")).status, 200);
  EXPECT_EQ(ask(client, get("http://[::1]:80/small")).status, 200);
}

// RFC 9110 5.6.3: OWS is SP or HTAB.
TEST(Http, TabsAreWhitespaceAroundWordsThatMatter) {
  Server server(Closer::client);
  for (const char* value : {"\tchunked", "chunked\t", " \tchunked\t "}) {
    Client client(server.services);
    const std::string field = "Transfer-Encoding:"s + value + "\r\n";
    EXPECT_EQ(ask(client, get("/", field) + "1\r\nx\r\n0\r\n\r\n").status, 200) << value;
  }
  for (const char* value : {"\tclose", "close\t", "x,\tclose", "close\t, x"}) {
    Client client(server.services);
    const std::string field = "Connection:"s + value + "\r\n";
    EXPECT_EQ(ask(client, get("/", field)).field("connection"), "close") << value;
  }
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/", "Content-Length:\t1\t\r\n") + "x").status, 200);
  expect_refused({{"GET\t/ HTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {"GET /\tHTTP/1.1\r\nHost: m\r\n\r\n", 400},
                  {get("/", "Transfer-Encoding\t: chunked\r\n"), 400},
                  {get("/", "Transfer-Encoding: chun\tked\r\n"), 400}});
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
