// The handling of unexpected exceptions. Expected failures are values. An exception that is thrown anyway
// (out of memory, a parser that throws on a peer's input) ends the connection, request or task that it
// leaves; it is logged and counted, and the server goes on.
//
// Where half a change would be worse than none (applying events to a board), the change is `noexcept`: the
// process ends, is restarted, and begins from what is on disk.
//
// Threading: any thread. Bound: one log line a second, which says how many were left out.
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>

namespace stadion::net {

// `where`: what the exception ended.
void report_thrown(std::string_view where, const std::exception_ptr& what) noexcept;

// How many exceptions were reported since the process began.
std::uint64_t thrown_total() noexcept;

// Runs `step`. An exception is reported, and the result is then false.
template <typename Step>
bool contained(std::string_view where, Step&& step) noexcept {
    try {
        step();
        return true;
    } catch (...) {
        report_thrown(where, std::current_exception());
        return false;
    }
}

} // namespace stadion::net
