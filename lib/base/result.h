// A value, or the reason why there is none. For start-up and control paths; the hot path uses
// Verdict and Drop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/assert.h"

namespace mayfly {

/// Who can remedy an error: the process's exit status follows from it.
enum class ErrorKind : std::uint8_t {
  failed,  ///< the machine, a device or a peer did not do what was asked
  usage,   ///< the command line or the configuration asks for something impossible
};

/// What went wrong, as a sentence for the user: no capital, no full stop.
struct Error {
  std::string what;
  ErrorKind kind = ErrorKind::failed;
};

/// Either a T or an Error; true if it is a T. Reading the other one is a bug and aborts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const noexcept { return content_.index() == 0; }

  T& operator*() & noexcept { return value(); }
  const T& operator*() const& noexcept { return const_cast<Result*>(this)->value(); }
  T&& operator*() && noexcept { return std::move(value()); }
  T* operator->() noexcept { return &value(); }
  const T* operator->() const noexcept { return &**this; }

  const Error& error() const noexcept {
    const Error* error = std::get_if<1>(&content_);
    MAYFLY_ASSERT(error != nullptr);
    return *error;
  }

 private:
  T& value() noexcept {
    T* value = std::get_if<0>(&content_);
    MAYFLY_ASSERT(value != nullptr);
    return *value;
  }

  std::variant<T, Error> content_;
};

/// Success, or an Error: for functions that return nothing else.
///
///   Result<void> close() { if (failed) return Error{"cannot close"}; return {}; }
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const noexcept { return !error_.has_value(); }

  const Error& error() const noexcept {
    MAYFLY_ASSERT(error_.has_value());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace mayfly
