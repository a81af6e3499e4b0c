// The canonical status codes of the wire protocol, their names and their HTTP equivalents.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace stadion::wire {

// The canonical RPC codes (google/rpc/code.proto). A frame carries the number in its `code` field.
enum class status : std::uint16_t {
    ok = 0,
    cancelled = 1,
    unknown = 2,
    invalid_argument = 3,
    deadline_exceeded = 4,
    not_found = 5,
    already_exists = 6,
    permission_denied = 7,
    resource_exhausted = 8,
    failed_precondition = 9,
    aborted = 10,
    out_of_range = 11,
    unimplemented = 12,
    internal = 13,
    unavailable = 14,
    data_loss = 15,
    unauthenticated = 16,
};

// "NOT_FOUND"; "UNKNOWN" for a number that is none of the above.
std::string_view status_name(status code) noexcept;

// The inverse of status_name.
std::optional<status> status_from_name(std::string_view name) noexcept;

// The HTTP status code that says the same, 200 … 504.
unsigned http_status(status code) noexcept;

} // namespace stadion::wire
