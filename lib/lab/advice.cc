#include "lab/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "lab/words.h"

namespace mayfly::lab {
namespace {

/// A policy that this user could use, and why it suits.
struct Option {
  std::string_view policy, because;
};

struct User {
  std::string_view name, situation;
  std::span<const Option> options;  ///< the most suitable first
};

constexpr std::array kWebServer{
    Option{"client-first",
           "The length of each answer tells the clients when to close, so TIME_WAIT "
           "spreads over all of them and the server holds none"},
    Option{"balanced",
           "The hold is set to what the table has room for, and needs nothing of the clients"},
    Option{
        "rfc6191",
        "A newer SYN ends the entry, which is kept until the handshake shows that the SYN is new"},
    Option{"evict-oldest", "The oldest entry is evicted, so the hold is as long as possible"},
    Option{"freebsd", "A limit, at which the oldest entry is evicted"},
    Option{"linux-default", "A large table, and straight to CLOSED when it is full"},
    Option{"strict-rfc9293", "The whole 2MSL, where the table is large enough for it"},
};
constexpr std::array kBehindBalancer{
    Option{"rfc6191", "The balancer's few four-tuples come back soon, and its timestamps rise"},
    Option{"hand-over", "Both ends are yours, so the balancer can take the TIME_WAIT over"},
    Option{"balanced", "The hold is set to what the table has room for"},
    Option{"evict-oldest", "The oldest entry is evicted for the four-tuple that comes back"},
    Option{"linux-default", "A large table, and a newer SYN reopens"},
    Option{"client-first", "The balancer closes first and holds the TIME_WAIT itself"},
};
constexpr std::array kLoadTester{
    Option{"rfc6191", "The server under test closes first and reopens, so no source is held"},
    Option{"linux-tw-reuse", "The tester reuses a source after a second"},
    Option{"balanced", "The server closes first and no source is held"},
    Option{"evict-oldest", "The server closes first and never refuses"},
    Option{"none", "Nothing is held anywhere"},
    Option{"reset", "An RST ends every connection at once"},
};
constexpr std::array kProxy{
    Option{"linux-tw-reuse",
           "A four-tuple to an upstream is reused after a second, and timestamps "
           "protect it"},
    Option{"rfc6191", "The upstream closes first, and a newer SYN reopens the four-tuple"},
    Option{"hand-over", "The TIME_WAIT goes to the end that can better carry it"},
    Option{"balanced",
           "The upstream closes first, and sets its hold to what its table has room for"},
    Option{"evict-oldest", "The upstream closes first and never refuses"},
};
constexpr std::array<User, 4> kUsers{{
    {"A public web server",
     "Its clients are many, unknown, and partly behind NAT: it can change its own end only.",
     kWebServer},
    {"A server behind a load balancer",
     "One or a few clients open all connections, so four-tuples come back soon. Both ends are its "
     "owner's.",
     kBehindBalancer},
    {"A load tester",
     "It must reuse its sources quickly, and must know the harm that this does, as it would be "
     "hidden in the figures.",
     kLoadTester},
    {"A proxy with few upstreams",
     "It is the client: addresses times ports over hold is its limit to each upstream.", kProxy},
}};

/// The harms that were counted, in words: "Reset in LAST_ACK (12), Killed (3)".
std::string harm_words(const world::LedgerRow& row) {
  std::string words;
  for (const Harm& harm : kHarms)
    if (const std::uint64_t count = row.*harm.count; count > 0)
      words +=
          fmt::format("{}{} ({})", words.empty() ? "" : ", ", harm.title, load::grouped(count));
  return words;
}

std::string price_words(const PolicyRow& row) {
  if (row.ledger == nullptr) return "Its harm was not measured here.";
  const world::LedgerRow& ledger = *row.ledger;
  if (ledger.harms() == 0)
    return fmt::format("No harm in {} connections of the hazard lab.",
                       load::grouped(ledger.connections));
  return fmt::format("Its price in {} connections of the hazard lab: {}.",
                     load::grouped(ledger.connections), harm_words(ledger));
}

/// The order of risk: harmless, unknown, harmful.
int risk_of(const PolicyRow& row) {
  return row.ledger == nullptr ? 1 : row.ledger->harms() == 0 ? 0 : 2;
}

double harm_share(const PolicyRow& row) {
  if (row.ledger == nullptr || row.ledger->connections == 0) return 0;
  return static_cast<double>(row.harms()) / static_cast<double>(row.ledger->connections);
}

struct Candidate {
  const PolicyRow* row;
  const Option* option;
};

/// The options that were measured, in the user's order.
std::vector<Candidate> measured_options(const User& user, std::span<const PolicyRow> policies) {
  std::vector<Candidate> candidates;
  for (const Option& option : user.options) {
    const auto row = std::ranges::find(policies, option.policy, &PolicyRow::name);
    if (row != policies.end() && row->is_judged()) candidates.push_back({&*row, &option});
  }
  return candidates;
}

/// The one to recommend: flat, with the least risk, then the least harm, then the first.
std::optional<Candidate> best_of(const std::vector<Candidate>& candidates) {
  std::optional<Candidate> best;
  const auto is_better = [](const PolicyRow& a, const PolicyRow& b) {
    return std::pair(risk_of(a), harm_share(a)) < std::pair(risk_of(b), harm_share(b));
  };
  for (const Candidate& candidate : candidates)
    if (candidate.row->is_flat() && (!best || is_better(*candidate.row, *best->row)))
      best = candidate;
  return best;
}

std::string entries_words(const PolicyRow& row) {
  if (row.figures.peak_time_wait == 0) return "without any entry";
  const bool at_client = holder_of(row.run->settings).end == TimeWaitHolder::End::client;
  return fmt::format("with at most {} entries at the {}", load::grouped(row.figures.peak_time_wait),
                     at_client ? "clients" : "server");
}

std::string recommendation(const Candidate& best) {
  const LabFigures& f = best.row->figures;
  const std::string load = f.offered > 0
                               ? fmt::format("all of the {}/s offered", load::grouped(f.offered))
                               : shown(f.sustained) + "/s";
  return fmt::format("{}. It carried {} with an unevenness of {:.2f}, {}. {}", best.option->because,
                     load, f.swing, entries_words(*best.row), price_words(*best.row));
}

/// Why policies that would have suited better are not recommended.
std::string passed_over(const std::vector<Candidate>& candidates, const Candidate& best) {
  std::string words;
  for (const Candidate& candidate : candidates) {
    if (candidate.row == best.row) break;
    const PolicyRow& row = *candidate.row;
    const std::string why = !row.is_flat()
                                ? fmt::format("carried only {}/s with an unevenness of {:.2f}",
                                              shown(row.figures.sustained), row.figures.swing)
                            : row.ledger == nullptr ? std::string("was not in the hazard lab")
                                                    : "did harm: " + harm_words(*row.ledger);
    words += fmt::format(" {} would come before it, but {}.", row.name, why);
  }
  return words;
}

std::string nothing_to_say(const std::vector<Candidate>& candidates) {
  if (candidates.empty())
    return "This result does not allow any advice: none of the policies that would suit was in an "
           "experiment.";
  const auto best = std::ranges::max_element(
      candidates, {}, [](const Candidate& c) { return c.row->figures.sustained; });
  const PolicyRow& row = *best->row;
  return fmt::format(
      "None to recommend: no policy that would suit carried the load evenly. The "
      "nearest was {} with {}/s and an unevenness of {:.2f}. {}",
      row.name, shown(row.figures.sustained), row.figures.swing, price_words(row));
}

}  // namespace

std::vector<Advice> advice_on(std::span<const PolicyRow> policies) {
  std::vector<Advice> all;
  for (const User& user : kUsers) {
    const std::vector<Candidate> candidates = measured_options(user, policies);
    const std::optional<Candidate> best = best_of(candidates);
    Advice advice{.user = std::string(user.name), .situation = std::string(user.situation)};
    if (best) advice.policy = best->row->name;
    advice.words =
        best ? recommendation(*best) + passed_over(candidates, *best) : nothing_to_say(candidates);
    all.push_back(std::move(advice));
  }
  return all;
}

}  // namespace mayfly::lab
