// Expected failures as values: `result<T>` holds a T or an `error`.
//
// An error has one status code, one sentence for a person that names the offending thing, and what a caller
// needs to decide what to do next. Bugs are assertions, not results; only start-up code throws.
#pragma once

#include "wire/status.hpp"

#include <cassert>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <variant>

namespace stadion::wire {

struct error {
    status code = status::unknown;
    std::string message;                      // "no such game: hockey"
    std::string origin;                       // the server that failed; empty: this one
    std::chrono::milliseconds retry_after{0}; // 0: retrying does not help, or nothing is known
    bool outcome_unknown = false;             // the effect may have happened; the same key tells
    std::map<std::string, std::string> details;
};

inline error make_error(status code, std::string message) {
    error e;
    e.code = code;
    e.message = std::move(message);
    return e;
}

template <typename T>
class [[nodiscard]] result {
public:
    result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    result(wire::error failure) : state_(std::in_place_index<1>, std::move(failure)) {}

    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    T& value() & { return assert(has_value()), *std::get_if<0>(&state_); }
    const T& value() const& { return assert(has_value()), *std::get_if<0>(&state_); }
    T&& value() && { return assert(has_value()), std::move(*std::get_if<0>(&state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    wire::error& error() & { return assert(!has_value()), *std::get_if<1>(&state_); }
    const wire::error& error() const& { return assert(!has_value()), *std::get_if<1>(&state_); }
    wire::error&& error() && { return assert(!has_value()), std::move(*std::get_if<1>(&state_)); }

private:
    std::variant<T, wire::error> state_;
};

template <>
class [[nodiscard]] result<void> {
public:
    result() = default;
    result(wire::error failure) : failed_(true), failure_(std::move(failure)) {}

    bool has_value() const noexcept { return !failed_; }
    explicit operator bool() const noexcept { return has_value(); }
    const wire::error& error() const& { return assert(failed_), failure_; }
    wire::error&& error() && { return assert(failed_), std::move(failure_); }

private:
    bool failed_ = false;
    wire::error failure_;
};

} // namespace stadion::wire
