// HTTP/1.0 and 1.1 (RFC 9110, RFC 9112): GET and HEAD of the resources of the Site. Requests are
// answered in the order in which they arrive; while the send queue has no room for an answer, the
// next request is not read.
//
// Time: http.request_timeout runs from the opening of the connection, for later requests from their
// first byte. Further bytes do not restart it; 100 Continue does, once. Between requests,
// http.keep_alive_timeout runs from the acknowledgement of the last answer. ClosePolicy (closer.h)
// decides how connections end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/assert.h"
#include "service/access_log.h"
#include "service/closer.h"
#include "service/parsers.h"
#include "service/partial_answer.h"
#include "service/request.h"
#include "service/request_parser.h"
#include "service/site.h"
#include "service/sites_in_use.h"

namespace mayfly::service {

/// The HTTP service of one core.
class HttpService {
 public:
  /// The memory of one service, without the Site.
  static constexpr std::size_t kMemoryBytes = Parsers::kMemoryBytes + PartialAnswers::kMemoryBytes;

  /// All references outlive the service.
  HttpService(const HttpSettings& settings, const Site& site, const ClosePolicy& policy,
              ServiceCounters& counters)
      : settings_(&settings),
        sites_(site),
        policy_(policy),
        counters_(counters),
        access_log_(settings.access_log) {}

  /// Answers are those of `site` from now on; it outlives its connections. `settings` are valid
  /// until the next call.
  void take(const HttpSettings& settings, const Site& site) noexcept {
    settings_ = &settings;
    sites_.take(site);
  }
  /// How many connections are with the site of a slot. Any thread.
  std::uint32_t connections_of_site(std::uint8_t slot) const noexcept {
    return sites_.connections(slot);
  }

  /// Makes every answer from now on the last of its connection.
  void drain() noexcept { draining_ = true; }

  /// Closes a connection that only waits for another request. Called when draining has begun.
  template <class Conn>
  void on_drain(Conn& c, ServiceState& s) noexcept {
    const bool idle = s.phase == Phase::open && s.pending == 0 && s.parser == kNoIndex;
    if (idle && s.requests > 0) policy_.end_idle(c, s, Ending::server_first);
  }

  AccessLog& access_log() noexcept { return access_log_; }

  /// Requests that are incomplete now.
  std::uint32_t parsers_used() const noexcept { return parsers_.held(); }
  /// Parts of files that wait for room in a send queue.
  std::uint32_t parts_used() const noexcept { return partial_.used(); }

  template <class Conn>
  void on_open(Conn& c) noexcept {
    c.wake_at(c.now() + settings_->request_timeout);
  }

  template <class Conn>
  std::size_t on_data(Conn& c, ServiceState& s, std::span<const std::byte> text) noexcept {
    std::size_t taken = 0;
    while (taken < text.size() && s.phase == Phase::open && s.pending == 0) {
      const auto rest = text.subspan(taken);
      if (s.parser == kNoIndex) {
        const std::size_t size = take_simple(c, s, rest);
        taken += size;
        if (size > 0) continue;
        start_parser(c, s);
      }
      taken += take_part(c, s, rest);
    }
    if (s.parser != kNoIndex) [[unlikely]]
      keep_parser(s);
    // What follows the last request of a connection is read and discarded.
    return s.phase == Phase::open ? taken : text.size();
  }

  template <class Conn>
  void on_sent(Conn& c, ServiceState& s) noexcept {
    if (s.pending != 0) return send_pending(c, s);
    if (s.phase != Phase::open) return policy_.on_sent(c, s);
    if (s.parser == kNoIndex) wait_for_request(c, s);
  }

  template <class Conn>
  void on_peer_closed(Conn& c, ServiceState& s) noexcept {
    s.peer_closed = true;
    if (s.pending != 0) return;  // the answer comes first
    release_parser(c, s);        // of a request that will never be whole
    policy_.on_peer_closed(c, s);
  }

  template <class Conn>
  void on_wake(Conn& c, ServiceState& s) noexcept {
    if (s.pending != 0 && c.unsent() == 0) return send_pending(c, s);
    if (s.pending != 0) return policy_.stalled(c, s);
    if (s.phase != Phase::open) return policy_.on_wake(c, s);
    if (s.parser == kNoIndex && s.requests > 0) {
      if (c.unsent() > 0) return policy_.stalled(c, s);
      return policy_.end_idle(c, s, Ending::keep_alive_timeout);
    }
    if (s.parser == kNoIndex) s.head_only = false;  // it was about the request before
    s.ending = Ending::request_timeout;
    refuse(c, s, HttpStatus::request_timeout);
  }

  template <class Conn>
  void on_closed(Conn& c, ServiceState& s) noexcept {
    release_parser(c, s);
    release_part(s);
    sites_.leave(s);
  }

 private:
  // Answers the common request: whole, simple, and for something that the site has. Returns its
  // size, or 0 if it is another kind of request.
  template <class Conn>
  std::size_t take_simple(Conn& c, ServiceState& s, std::span<const std::byte> text) noexcept {
    const ScannedRequest scanned = scan_request(text, settings_->header_bytes_max);
    if (scanned.size == 0) return 0;
    const ResponseIndex resource = sites_.choose(c, s).find(scanned.request.path);
    if (resource == 0) return 0;
    MAYFLY_ASSERT(scanned.size <= text.size());
    const Request& request = scanned.request;
    answer(c, s, request, resource, nullptr, note(c, request.path, request.head));
    return scanned.size;
  }

  template <class Conn>
  void start_parser(Conn& c, ServiceState& s) noexcept {
    s.parser = parsers_.start(c.id());
    s.head_only = false;
    counters_.slow_requests.add();
    // The time of the first request runs from the opening.
    if (s.requests > 0) c.wake_at(c.now() + settings_->request_timeout);
  }

  void keep_parser(const ServiceState& s) noexcept {
    if (parsers_.keep(s.parser)) counters_.parsers_reclaimed.add();
  }

  // Gives text to the connection's parser and acts on the outcome. Returns how much was taken.
  template <class Conn>
  std::size_t take_part(Conn& c, ServiceState& s, std::span<const std::byte> text) noexcept {
    RequestParser* const parser = parsers_.find(s.parser, c.id());
    if (parser == nullptr) {
      counters_.parsers_exhausted.add();
      refuse(c, s, HttpStatus::unavailable);
      return 0;
    }
    const RequestParser::Step step = parser->feed(text, *settings_);
    s.head_only = parser->is_head();
    MAYFLY_ASSERT(step.taken <= text.size());
    switch (step.outcome) {
      case RequestParser::Outcome::more: break;
      case RequestParser::Outcome::refused: refuse(c, s, step.status); break;
      case RequestParser::Outcome::head: take_head(c, s, *parser); break;
      case RequestParser::Outcome::complete: answer_parsed(c, s, *parser); break;
    }
    return step.taken;
  }

  template <class Conn>
  void take_head(Conn& c, ServiceState& s, const RequestParser& parser) noexcept {
    const Site& site = sites_.choose(c, s);
    if (site.find(parser.request().path) == 0) {
      refuse(c, s, HttpStatus::not_found, parser.request().path);
    } else if (!parser.is_get_or_head()) {
      refuse(c, s, HttpStatus::method_not_allowed, parser.request().path);
    } else if (!parser.has_body()) {
      answer_parsed(c, s, parser);
    } else if (parser.wants_continue()) {
      queue(c, s, site.answer(HttpStatus::continue_));
    }
  }

  template <class Conn>
  void answer_parsed(Conn& c, ServiceState& s, const RequestParser& parser) noexcept {
    const Request request = parser.request();
    const ResponseIndex resource = sites_.choose(c, s).find(request.path);
    if (resource == 0)  // gone while the body came
      return refuse(c, s, HttpStatus::not_found, request.path);
    const Conditions conditions = parser.conditions();
    Access* const noted = note(c, request.path, request.head);
    release_parser(c, s);
    answer(c, s, request, resource, &conditions, noted);
  }

  // `conditions`: null if the request has none. `noted`: null if the log does not tell of it.
  template <class Conn>
  void answer(Conn& c, ServiceState& s, const Request& request, ResponseIndex resource,
              const Conditions* conditions, Access* noted) noexcept {
    s.head_only = request.head;
    s.last = !keeps_alive(request, s);
    const Persistence persistence = s.last             ? Persistence::close
                                    : request.http_1_0 ? Persistence::stated
                                                       : Persistence::implied;
    const ResponseIndex whole = Site::variant(resource, persistence);
    const HttpStatus status = conditions != nullptr && sites_.of(s)[whole].file != 0
                                  ? answer_judged(c, s, whole, *conditions)
                                  : queue(c, s, whole);
    if (noted != nullptr) [[unlikely]]
      access_log_.tell(*noted, status, body_of(sites_.of(s)[whole], status, s));
  }

  // Octets of the body of an answer that is the whole response.
  static std::uint64_t body_of(const Response& response, HttpStatus status,
                               const ServiceState& s) noexcept {
    if (s.head_only || status != response.status) return 0;
    return response.lead.size() - response.head_size + response.body_bytes;
  }

  // The request's place in the log, if it is one of the sample.
  template <class Conn>
  Access* note(const Conn& c, std::string_view path, bool is_head) noexcept {
    if (!access_log_.picks()) [[likely]]
      return nullptr;
    if (c.is_ipv6()) return access_log_.note(c.tuple6(), c.now(), path, is_head);
    return access_log_.note(c.tuple(), c.now(), path, is_head);
  }

  template <class Conn>
  HttpStatus answer_judged(Conn& c, ServiceState& s, ResponseIndex whole,
                           const Conditions& conditions) noexcept {
    const Response& response = sites_.of(s)[whole];
    const Judgement judged = judge(conditions, sites_.of(s).file(response).validators, s.head_only);
    switch (judged.answer) {
      case Judgement::Answer::whole: return queue(c, s, whole);
      case Judgement::Answer::not_modified:
        return queue(c, s, whole, Form::not_modified, HttpStatus::not_modified);
      case Judgement::Answer::precondition_failed:
        refuse(c, s, HttpStatus::precondition_failed);
        return HttpStatus::precondition_failed;
      case Judgement::Answer::part: {
        const std::uint32_t part = partial_.make_part(sites_.of(s), response, judged.range);
        if (part == kNoIndex) return queue(c, s, whole);  // RFC 9110 14.2: it may be ignored
        return queue(c, s, part + 1, Form::part, HttpStatus::partial_content);
      }
      case Judgement::Answer::no_such_part: {
        const std::uint32_t part = partial_.make_no_such_part(sites_.of(s), response);
        if (part == kNoIndex) return queue(c, s, whole);
        return queue(c, s, part + 1, Form::part, HttpStatus::range_not_satisfiable);
      }
    }
    return HttpStatus::unavailable;  // not reached
  }

  // `path`: empty if the request has none that can be read.
  template <class Conn>
  void refuse(Conn& c, ServiceState& s, HttpStatus status, std::string_view path = {}) noexcept {
    Access* const noted = note(c, path, s.head_only);
    release_parser(c, s);
    s.last = true;
    const ResponseIndex response = sites_.choose(c, s).answer(status);
    queue(c, s, response);
    if (noted != nullptr) [[unlikely]]
      access_log_.tell(*noted, status, body_of(sites_.of(s)[response], status, s));
  }

  template <class Conn>
  HttpStatus queue(Conn& c, ServiceState& s, ResponseIndex response) noexcept {
    return queue(c, s, response, Form::whole, sites_.of(s)[response].status);
  }

  // Returns the status.
  template <class Conn>
  HttpStatus queue(Conn& c, ServiceState& s, std::uint32_t pending, Form form,
                   HttpStatus status) noexcept {
    MAYFLY_ASSERT(s.pending == 0 && pending != 0);
    s.pending = pending;
    s.form = form;
    s.parts_sent = 0;
    s.untaken = 0;
    counters_.count_response(code_of(status));
    if (status != HttpStatus::continue_) {
      counters_.requests.add();
      ++s.requests;
    }
    send_pending(c, s);
    return status;
  }

  // Queues what there is room for; on_sent or on_wake continues with the rest.
  template <class Conn>
  void send_pending(Conn& c, ServiceState& s) noexcept {
    if (!push(c, s)) return ClosePolicy::wait_for_room(c, s);
    s.untaken = 0;
    const bool is_interim = s.parser != kNoIndex;
    if (is_interim) {
      c.wake_at(c.now() + settings_->request_timeout);
    } else {
      ClosePolicy::watch(c, s);
    }
    s.pending = 0;
    if (s.last) {
      policy_.finish(c, s);
    } else if (s.peer_closed) {
      on_peer_closed(c, s);
    }
  }

  // False: not all of the response is queued.
  template <class Conn>
  bool push(Conn& c, ServiceState& s) noexcept {
    if (s.form == Form::part) [[unlikely]]
      return push_part(c, s);
    const Response& response = sites_.of(s)[s.pending];
    if (s.parts_sent == 0) {
      const std::size_t preamble = response_preamble_of(s, response);
      if (!push_bytes(c, s, sites_.of(s).preamble(preamble))) return false;
    }
    if (s.parts_sent == 1 && !push_bytes(c, s, lead_of(s, response))) return false;
    if (response.body_bytes == 0 || s.head_only || s.form != Form::whole) return true;
    if (c.send_repeating(response.body, response.body_bytes) == 0) return false;
    counters_.bytes_out.add(response.body_bytes);
    return true;
  }

  static std::size_t response_preamble_of(const ServiceState& s,
                                          const Response& response) noexcept {
    return s.form == Form::whole ? response.preamble : position_of(HttpStatus::not_modified);
  }

  static std::span<const std::byte> lead_of(const ServiceState& s,
                                            const Response& response) noexcept {
    if (s.form == Form::not_modified)  // RFC 9110 15.4.5
      return response.lead.first(response.head_size).subspan(response.validators_at);
    return s.head_only ? response.lead.first(response.head_size) : response.lead;
  }

  template <class Conn>
  bool push_bytes(Conn& c, ServiceState& s, std::span<const std::byte> bytes) noexcept {
    MAYFLY_ASSERT(!bytes.empty());
    if (c.send(bytes) == 0) return false;
    counters_.bytes_out.add(bytes.size());
    ++s.parts_sent;
    return true;
  }

  template <class Conn>
  bool push_part(Conn& c, ServiceState& s) noexcept {
    PartialAnswer& part = partial_[s.pending - 1];
    if (s.parts_sent == 0 && !push_bytes(c, s, sites_.of(s).preamble(part.preamble))) return false;
    if (s.parts_sent == 1) {
      const std::size_t copied = c.send_copy(part.head_left());
      counters_.bytes_out.add(copied);
      part.head_sent = static_cast<std::uint16_t>(part.head_sent + copied);
      if (!part.head_left().empty()) return false;
      ++s.parts_sent;
    }
    if (!part.body.empty() && !s.head_only && !push_bytes(c, s, part.body)) return false;
    partial_.release(s.pending - 1);
    return true;
  }

  void release_part(ServiceState& s) noexcept {
    if (s.pending != 0 && s.form == Form::part) partial_.release(s.pending - 1);
    s.pending = 0;
  }

  template <class Conn>
  void wait_for_request(Conn& c, ServiceState& s) noexcept {
    if (c.unsent() > 0) return ClosePolicy::watch(c, s);
    s.untaken = 0;
    c.wake_at(c.now() + settings_->keep_alive_timeout);
  }

  bool keeps_alive(const Request& request, const ServiceState& s) const noexcept {
    // RFC 9112 9.3: HTTP/1.1 keeps the connection unless told otherwise, HTTP/1.0 only if asked.
    const bool wanted =
        request.http_1_0 ? request.wish == Wish::keep_alive : request.wish != Wish::close;
    const bool more =
        settings_->keep_alive_requests == 0 || s.requests + 1 < settings_->keep_alive_requests;
    return wanted && more && policy_.keeps_alive() && !draining_;
  }

  template <class Conn>
  void release_parser(Conn& c, ServiceState& s) noexcept {
    if (s.parser == kNoIndex) [[likely]]
      return;
    parsers_.release(s.parser, c.id());
    s.parser = kNoIndex;
  }

  const HttpSettings* settings_;
  SitesInUse sites_;
  const ClosePolicy& policy_;
  ServiceCounters& counters_;
  Parsers parsers_;
  PartialAnswers partial_;
  AccessLog access_log_;
  bool draining_ = false;
};

}  // namespace mayfly::service
