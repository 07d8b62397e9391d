// A value or the reason why there is none. For start-up and control paths; the hot path has
// Verdicts.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/assert.h"

namespace mayfly {

/// What went wrong, as a sentence for the user: no capital, no full stop.
struct Error {
  std::string what;
};

/// Either a T or an Error. Looking at the one that is not there is a bug and aborts.
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

}  // namespace mayfly
