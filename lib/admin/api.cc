#include "admin/api.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "admin/http_framing.h"
#include "admin/page.h"
#include "base/result.h"

namespace mayfly::admin {
namespace {

using Json = nlohmann::ordered_json;
using httplib::Request, httplib::Response;

constexpr const char* kJsonType = "application/json";

/// A file name or a value in an answer may be invalid UTF-8.
std::string text_of(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json error(const std::string& why) { return {{"error", Json::array({why})}}; }

void answer_json(Response& response, const Json& json, int status_of_error = 409) {
  response.status = json.contains("error") ? status_of_error : 200;
  response.set_content(text_of(json, 1) + "\n", kJsonType);
}

/// A library's stream in memory: it reads the request and keeps what is written.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(const std::string& in) : in_(in) {}
  bool is_readable() const override { return at_ < in_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t n = std::min(size, in_.size() - at_);
    std::memcpy(to, in_.data() + at_, n);
    at_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* from, std::size_t size) override {
    out.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { nowhere(ip, port); }
  void get_local_ip_and_port(std::string& ip, int& port) const override { nowhere(ip, port); }
  socket_t socket() const override { return -1; }

  std::string out;

 private:
  static void nowhere(std::string& ip, int& port) {
    ip.clear();
    port = 0;
  }

  const std::string& in_;
  std::size_t at_ = 0;
};

/// "KEY=VALUE" texts of {"time_wait.hold": "5s", ...}; an error says what is wrong.
Result<std::vector<std::string>> overrides_of(const Json& json) {
  if (!json.is_object() || json.empty())
    return Error{R"(the body is keys and values, such as {"time_wait.hold": "5s"})"};
  std::vector<std::string> overrides;
  for (const auto& [key, value] : json.items()) {
    if (key.empty() || key.find('=') != std::string::npos) return Error{"a key has no ="};
    if (!value.is_primitive() || value.is_null())
      return Error{"the value of " + key + " is no text, number or boolean"};
    overrides.push_back(key + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return overrides;
}

/// "30s", "2min" or 30, from 1 s to a day; nothing if it is no such time.
std::optional<Duration> duration_in(const Json& value) {
  double seconds = 0;
  if (value.is_number()) {
    seconds = value.get<double>();
  } else if (value.is_string()) {
    const std::string text = value.get<std::string>();
    char* end = nullptr;
    seconds = std::strtod(text.c_str(), &end);
    const std::string_view unit = end;
    if (end == text.c_str() || (unit != "s" && unit != "min" && unit != "h")) return std::nullopt;
    seconds *= unit == "s" ? 1 : unit == "min" ? 60 : 3'600;
  }
  if (!(seconds >= 1 && seconds <= 86'400)) return std::nullopt;
  return Duration{static_cast<std::int64_t>(seconds * 1e6)};
}

const httplib::Headers kHeaders = {
    // The page's own files alone: no script in the page's text, nothing of other sites.
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

constexpr std::string_view kPaths =
    "/api/stats, /api/configuration, /api/policy, /api/history, /api/sample, /api/samples, "
    "/api/events, /api/connections, /api/plan, /api/dump, "
    "/api/health, /api/ready, /api/unset, /api/reload, /api/drain, /api/state/import, /metrics";

}  // namespace

class Api::Router final : public httplib::Server {
 public:
  explicit Router(Api& api) : api_(api) {
    set_default_headers(kHeaders);
    set_payload_max_length(kBodyMax);
    set_keep_alive_max_count(1'000);
    set_keep_alive_timeout(60);
    set_pre_routing_handler([this](const Request& q, Response& a) { return guard(q, a); });
    set_error_handler([](const Request&, Response& a) { explain(a); });
    set_exception_handler([](const Request&, Response& a, std::exception_ptr failure) {
      fail(a, std::move(failure));
    });
    add_files();
    add_reports();
    add_changes();
    add_import();
    add_dump();
  }

  HttpAnswer run(const std::string& request, bool is_on_socket) {
    is_on_socket_ = is_on_socket;
    is_stream_ = false;
    MemoryStream stream(request);
    bool closes = false;
    process_request(stream, false, closes, [](Request&) {});
    // Bytes that are no request have no answer from the library.
    if (stream.out.empty()) return refusal(400, "this is no HTTP request");
    // What the library could not read may end elsewhere than it was framed.
    closes = closes || stream.out.starts_with("HTTP/1.1 400");
    return {std::move(stream.out), closes, is_stream_};
  }

 private:
  HandlerResponse guard(const Request& request, Response& response) {
    Caller caller{.is_on_socket = is_on_socket_};
    caller.changes = request.method != "GET" && request.method != "HEAD";
    caller.is_public = page_file(request.path) != nullptr;
    caller.host = request.get_header_value("host");
    caller.origin = request.get_header_value("origin");
    caller.fetch_site = request.get_header_value("sec-fetch-site");
    caller.authorization = request.get_header_value("authorization");
    const auto refused = why_refused(api_.rules_, caller);
    if (!refused) return HandlerResponse::Unhandled;
    answer_json(response, error(refused->why), refused->status);
    if (refused->status == 401) response.set_header("WWW-Authenticate", "Bearer");
    return HandlerResponse::Handled;
  }

  static void explain(Response& response) {
    if (!response.body.empty()) return;
    const std::string why = response.status == 404
                                ? fmt::format("no such path or method; there are {}", kPaths)
                                : "this request cannot be answered";
    response.set_content(text_of(error(why), 1) + "\n", kJsonType);
  }

  static void fail(Response& response, std::exception_ptr failure) {
    std::string why = "out of order";
    try {
      std::rethrow_exception(std::move(failure));
    } catch (const std::exception& known) {  // out of memory, or a bug: the run goes on
      why = known.what();
    } catch (...) {
    }
    answer_json(response, error(why), 500);
  }

  void add_files() {
    for (const PageFile& file : page_files())
      Get(std::string(file.pattern), [&file](const Request&, Response& response) {
        response.set_content(file.text.data(), file.text.size(), std::string(file.type));
      });
  }

  void add_reports() {
    const auto report = [this](const char* path, const std::function<Json()>& what) {
      Get(path, [&what](const Request&, Response& response) { answer_json(response, what()); });
    };
    report("/api/stats", api_.actions_.stats);
    report("/api/configuration", api_.actions_.settings);
    report("/api/policy", api_.actions_.policies);
    report("/api/history", api_.actions_.history);
    const auto state = [this](const char* path, const char* key) {
      Get(path, [this, key](const Request&, Response& response) {
        const Json json = api_.actions_.health();
        answer_json(response, json);
        if (!json.value(key, false)) response.status = 503;
      });
    };
    state("/api/health", "healthy");
    state("/api/ready", "ready");
    const auto asked = [this](const char* path, const auto& what) {
      Get(path, [&what](const Request& request, Response& response) {
        const Actions::Query query(request.params.begin(), request.params.end());
        const auto page = what(query);
        if (page) return answer_json(response, *page);
        answer_json(response, error(page.error().what),
                    page.error().kind == ErrorKind::usage ? 400 : 503);
      });
    };
    asked("/api/connections", api_.actions_.connections);
    asked("/api/plan", api_.actions_.plan);
    Get("/metrics", [this](const Request&, Response& response) {
      response.set_content(api_.actions_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
    Get("/api/samples", [this](const Request&, Response& response) {
      response.set_content(fmt::format("[{}]\n", fmt::join(api_.samples_, ",\n")), kJsonType);
    });
    Get("/api/sample", [this](const Request&, Response& response) {
      if (api_.samples_.empty()) return answer_json(response, error("no sample yet"), 503);
      response.set_content(api_.samples_.back() + "\n", kJsonType);
    });
    Get("/api/events", [this](const Request&, Response& response) {
      is_stream_ = true;
      response.set_header("Connection", "close");  // which ends the answer: it has no length
      response.set_content_provider("text/event-stream", [](std::size_t, httplib::DataSink& sink) {
        sink.done();
        return true;
      });
    });
  }

  void add_changes() {
    const auto by = [this] { return std::string(is_on_socket_ ? "socket" : "page"); };
    Patch("/api/configuration", [this, by](const Request& request, Response& response) {
      const auto json = body_of(request, response);
      if (!json) return;
      const auto overrides = overrides_of(*json);
      if (!overrides) return answer_json(response, error(overrides.error().what), 400);
      answer_change(response, api_.actions_.set(*overrides, by()));
    });
    Post("/api/unset", [this, by](const Request& request, Response& response) {
      const auto json = body_of(request, response);
      if (!json) return;
      const auto keys = texts_of(*json, "keys");
      if (keys.empty())
        return answer_json(response, error(R"(the body is {"keys": ["time_wait.hold"]})"), 400);
      answer_change(response, api_.actions_.unset(keys, by()));
    });
    Put("/api/policy", [this, by](const Request& request, Response& response) {
      const auto json = body_of(request, response);
      if (json) put_policy(*json, response, by());
    });
    Post("/api/reload", [this, by](const Request&, Response& response) {
      answer_change(response, api_.actions_.reload(by()));
    });
    Post("/api/drain", [this, by](const Request& request, Response& response) {
      std::optional<Duration> linger = Duration{};
      if (!request.body.empty()) {
        const auto json = body_of(request, response);
        if (!json) return;
        const bool is_given = json->is_object() && json->contains("linger");
        linger = is_given ? duration_in((*json)["linger"]) : std::nullopt;
      }
      if (!linger)
        return answer_json(response, error(R"(the body is none, or {"linger": "10s"}, 1s to 24h)"),
                           400);
      answer_change(response, api_.actions_.drain(*linger, by()));
    });
  }

  /// Only on the socket: the files are this host's.
  void add_import() {
    Post("/api/state/import", [this](const Request& request, Response& response) {
      if (!is_on_socket_)
        return answer_json(response, error("files are taken on the control socket alone"), 403);
      const auto json = body_of(request, response);
      if (!json) return;
      const auto files = texts_of(*json, "files");
      if (files.empty())
        return answer_json(response, error(R"(the body is {"files": ["/dev/shm/web.0"]})"), 400);
      answer_json(response, api_.actions_.import_files(files, "socket"));
    });
  }

  /// Only on the socket: frames hold what others have sent.
  void add_dump() {
    const auto allowed = [this](Response& response) {
      if (!is_on_socket_)
        answer_json(response, error("frames are shown on the control socket alone"), 403);
      return is_on_socket_;
    };
    Post("/api/dump", [this, allowed](const Request& request, Response& response) {
      if (!allowed(response)) return;
      const auto json = body_of(request, response);
      if (json) answer_json(response, api_.actions_.begin_dump(*json));
    });
    Get("/api/dump", [this, allowed](const Request&, Response& response) {
      if (!allowed(response)) return;
      auto bytes = api_.actions_.read_dump();
      if (!bytes) return answer_json(response, error("there is no capture"), 404);
      response.set_content(*std::move(bytes), "application/x-pcapng");
    });
    Delete("/api/dump", [this, allowed](const Request&, Response& response) {
      if (allowed(response)) answer_json(response, api_.actions_.end_dump(), 404);
    });
  }

  void put_policy(const Json& json, Response& response, const std::string& by) {
    const auto name = json.is_object() ? json.find("name") : json.end();
    if (!json.is_object() || name == json.end() || !name->is_string() ||
        name->get<std::string>().empty())
      return answer_json(response, error(R"(the body is {"name": "balanced"})"), 400);
    std::optional<Duration> trial;
    if (const auto given = json.find("for"); given != json.end()) {
      trial = duration_in(*given);
      if (!trial)
        return answer_json(response, error(R"("for" is a time such as "30s", 1s to 24h)"), 400);
    }
    answer_change(response, api_.actions_.policy(name->get<std::string>(), trial, by));
  }

  static std::vector<std::string> texts_of(const Json& json, const char* name) {
    std::vector<std::string> keys;
    const auto list = json.is_object() ? json.find(name) : json.end();
    if (!json.is_object() || list == json.end() || !list->is_array()) return keys;
    for (const Json& key : *list) {
      if (!key.is_string()) return {};
      keys.push_back(key.get<std::string>());
    }
    return keys;
  }

  void answer_change(Response& response, const Json& json) {
    if (!json.contains("error")) api_.was_changed_ = true;
    answer_json(response, json);
  }

  /// The JSON of the body; nothing if it is none, which is answered then. Only that type: a form of
  /// another site cannot send it.
  static std::optional<Json> body_of(const Request& request, Response& response) {
    if (!request.get_header_value("content-type").starts_with(kJsonType)) {
      answer_json(response, error("the Content-Type must be application/json"), 415);
      return std::nullopt;
    }
    Json json = Json::parse(request.body, nullptr, false);
    if (!json.is_discarded()) return json;
    answer_json(response, error("the body is no JSON"), 400);
    return std::nullopt;
  }

  Api& api_;
  bool is_on_socket_ = false, is_stream_ = false;
};

Api::Api(Actions actions, AccessRules rules)
    : actions_(std::move(actions)),
      rules_(std::move(rules)),
      router_(std::make_unique<Router>(*this)) {}

Api::~Api() = default;

HttpAnswer Api::answer(const std::string& request, bool is_on_socket) {
  try {
    return router_->run(request, is_on_socket);
  } catch (const std::exception& failure) {
    return refusal(500, failure.what());
  }
}

HttpAnswer Api::refusal(int status, std::string_view why) {
  const std::string body = text_of(error(std::string(why)), 1) + "\n";
  return {fmt::format("HTTP/1.1 {} Refused\r\nContent-Type: {}\r\nContent-Length: {}\r\n"
                      "Connection: close\r\n\r\n{}",
                      status, kJsonType, body.size(), body),
          true, false};
}

std::string Api::next_event(std::chrono::steady_clock::time_point now) {
  if (std::exchange(was_changed_, false)) {
    soon_until_ = now + kSoonFor;
    next_ = std::min(next_, now + kSoon);
  }
  if (now < next_) return {};
  next_ = now + (now < soon_until_ ? kSoon : kEvery);
  try {
    samples_.push_back(text_of(actions_.sample()));
  } catch (const std::exception&) {  // out of memory: the next one may succeed
    return {};
  }
  if (samples_.size() > kSamplesMax) samples_.pop_front();
  return "data: " + samples_.back() + "\n\n";
}

}  // namespace mayfly::admin
