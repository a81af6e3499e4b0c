// What becomes of an exception that nothing expected. Expected failures are values; what is thrown all the
// same (memory that ran out, a parser that throws on what a peer sent) costs the connection, request or task
// it came out of, is logged and counted, and the server goes on.
//
// Where half a change would be worse than none (applying events to a board), the change is `noexcept`: the
// process ends, is started again and begins from what is on disk.
//
// Any thread. Bound: one line a second, which says how many were left out.
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>

namespace stadion::net {

// `where`: what it ended.
void report_thrown(std::string_view where, const std::exception_ptr& what) noexcept;

// How many have been reported since the process began.
std::uint64_t thrown_total() noexcept;

// False, and reported, when `step` throws.
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
