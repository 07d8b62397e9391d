#include "service/http_date.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "base/assert.h"

namespace mayfly::service {
namespace {

namespace chrono = std::chrono;

constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void put_digits(std::span<char> to, unsigned value) noexcept {
  for (std::size_t i = to.size(); i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

void put_text(std::span<char> to, std::string_view text) noexcept {
  std::copy_n(text.begin(), to.size(), to.begin());
}

/// Reads a text from the front; the first mismatch makes it bad.
class DateReader {
 public:
  explicit DateReader(std::string_view text) noexcept : rest_(text) {}

  bool is_done() const noexcept { return good_ && rest_.empty(); }

  bool skip(std::string_view text) noexcept {
    const bool fits = rest_.starts_with(text);
    if (fits) rest_.remove_prefix(text.size());
    return fits;
  }
  void expect(std::string_view text) noexcept { good_ = skip(text) && good_; }

  unsigned digits(std::size_t count) noexcept {
    unsigned value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = rest_.empty() ? '?' : rest_.front();
      good_ = good_ && c >= '0' && c <= '9';
      if (!good_) return 0;
      value = 10 * value + static_cast<unsigned>(c - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  /// Which of the names stands here; 0 is the first. Of each, the first `length` letters count; 0 =
  /// all of them.
  unsigned one_of(std::span<const std::string_view> names, std::size_t length = 0) noexcept {
    for (unsigned i = 0; i < names.size(); ++i) {
      if (skip(length == 0 ? names[i] : names[i].substr(0, length))) return i;
    }
    good_ = false;
    return 0;
  }

  /// "08:49:37" in seconds; a leap second counts as the one before it.
  UnixSeconds time_of_day() noexcept {
    const unsigned hour = digits(2);
    expect(":");
    const unsigned minute = digits(2);
    expect(":");
    const unsigned second = digits(2);
    good_ = good_ && hour < 24 && minute < 60 && second <= 60;
    return UnixSeconds{hour} * 3'600 + minute * 60 + std::min(second, 59u);
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

struct Day {
  unsigned year = 0, month = 0, day = 0;  // the month counts from 0
};

std::optional<UnixSeconds> seconds_of(const Day& day, UnixSeconds in_day,
                                      const DateReader& reader) noexcept {
  const chrono::year_month_day date(chrono::year(static_cast<int>(day.year)),
                                    chrono::month(day.month + 1), chrono::day(day.day));
  if (!reader.is_done() || !date.ok() || day.year < 1'970) return std::nullopt;
  const auto days = chrono::sys_days(date).time_since_epoch();
  return chrono::duration_cast<chrono::seconds>(days).count() + in_day;
}

/// The two that end with GMT: so many letters of the day's name (0 = all), what stands between the
/// parts of the date, and the digits of the year.
std::optional<UnixSeconds> parse_gmt(std::string_view text, std::size_t letters,
                                     std::string_view between, std::size_t year_digits) noexcept {
  DateReader reader(text);
  Day day;
  reader.one_of(kDays, letters);
  reader.expect(", ");
  day.day = reader.digits(2);
  reader.expect(between);
  day.month = reader.one_of(kMonths);
  reader.expect(between);
  day.year = reader.digits(year_digits);
  if (year_digits == 2) day.year += day.year < 70 ? 2'000 : 1'900;
  reader.expect(" ");
  const UnixSeconds in_day = reader.time_of_day();
  reader.expect(" GMT");
  return seconds_of(day, in_day, reader);
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<UnixSeconds> parse_fixdate(std::string_view text) noexcept {
  return parse_gmt(text, 3, " ", 4);
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<UnixSeconds> parse_rfc850(std::string_view text) noexcept {
  return parse_gmt(text, 0, "-", 2);
}

// "Sun Nov  6 08:49:37 1994"
std::optional<UnixSeconds> parse_asctime(std::string_view text) noexcept {
  DateReader reader(text);
  Day day;
  reader.one_of(kDays, 3);
  reader.expect(" ");
  day.month = reader.one_of(kMonths);
  reader.expect(" ");
  day.day = reader.digits(reader.skip(" ") ? 1 : 2);
  reader.expect(" ");
  const UnixSeconds in_day = reader.time_of_day();
  reader.expect(" ");
  day.year = reader.digits(4);
  return seconds_of(day, in_day, reader);
}

}  // namespace

std::array<char, kHttpDateBytes> http_date(UnixSeconds when) noexcept {
  MAYFLY_ASSERT(when >= 0 && when < 253'402'300'800);  // the year 10000
  const chrono::sys_seconds time{chrono::seconds(when)};
  const auto days = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(days);
  const auto in_day = static_cast<unsigned>((time - days).count());
  std::array<char, kHttpDateBytes> text;
  put_text(text, "xxx, dd xxx yyyy hh:mm:ss GMT");
  const std::span<char> to(text);
  put_text(to.subspan(0, 3), kDays[chrono::weekday(days).c_encoding()]);
  put_digits(to.subspan(5, 2), static_cast<unsigned>(date.day()));
  put_text(to.subspan(8, 3), kMonths[static_cast<unsigned>(date.month()) - 1]);
  put_digits(to.subspan(12, 4), static_cast<unsigned>(static_cast<int>(date.year())));
  put_digits(to.subspan(17, 2), in_day / 3'600);
  put_digits(to.subspan(20, 2), in_day / 60 % 60);
  put_digits(to.subspan(23, 2), in_day % 60);
  return text;
}

std::optional<UnixSeconds> parse_http_date(std::string_view text) noexcept {
  if (const auto when = parse_fixdate(text)) return when;
  if (const auto when = parse_rfc850(text)) return when;
  return parse_asctime(text);
}

}  // namespace mayfly::service
