#include "net/loop/thrown.hpp"

#include "net/os/limited_log.hpp"

#include <atomic>
#include <string>

namespace stadion::net {
namespace {

std::atomic<std::uint64_t> total{0};
limited_log log_lines;

} // namespace

void report_thrown(std::string_view where, const std::exception_ptr& what) noexcept {
    ++total;
    try {
        const auto begin = std::string(where) + " ended by an exception: ";
        try {
            std::rethrow_exception(what);
        } catch (const std::exception& thrown) {
            log_lines.warn(begin, thrown.what());
        } catch (...) {
            log_lines.warn(begin, "it is no std::exception");
        }
    } catch (...) {
        // No memory for the line; it is counted all the same.
    }
}

std::uint64_t thrown_total() noexcept { return total.load(); }

} // namespace stadion::net
