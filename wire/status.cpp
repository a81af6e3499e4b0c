#include "wire/status.hpp"

#include <array>

namespace stadion::wire {
namespace {

struct row {
    std::string_view name;
    unsigned http;
};

// Indexed by the code.
constexpr std::array<row, 17> rows{{
    {"OK", 200},
    {"CANCELLED", 499},
    {"UNKNOWN", 500},
    {"INVALID_ARGUMENT", 400},
    {"DEADLINE_EXCEEDED", 504},
    {"NOT_FOUND", 404},
    {"ALREADY_EXISTS", 409},
    {"PERMISSION_DENIED", 403},
    {"RESOURCE_EXHAUSTED", 429},
    {"FAILED_PRECONDITION", 412},
    {"ABORTED", 409},
    {"OUT_OF_RANGE", 400},
    {"UNIMPLEMENTED", 501},
    {"INTERNAL", 500},
    {"UNAVAILABLE", 503},
    {"DATA_LOSS", 500},
    {"UNAUTHENTICATED", 401},
}};

const row& row_of(status code) noexcept {
    const auto index = static_cast<std::size_t>(code);
    return rows[index < rows.size() ? index : static_cast<std::size_t>(status::unknown)];
}

} // namespace

std::string_view status_name(status code) noexcept { return row_of(code).name; }

std::optional<status> status_from_name(std::string_view name) noexcept {
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].name == name) return static_cast<status>(i);
    return std::nullopt;
}

unsigned http_status(status code) noexcept { return row_of(code).http; }

} // namespace stadion::wire
