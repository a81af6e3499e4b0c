#include "balancer/ticket_book.hpp"

#include "wire/number.hpp"

#include <cassert>
#include <optional>

namespace stadion::balancer {
ticket_book::ticket_book(std::uint64_t incarnation, std::chrono::milliseconds lifetime)
    : incarnation_(incarnation), lifetime_(lifetime) {}

std::string ticket_book::issue(server_id server, time_point now) {
    assert(server != server_id::none);
    expire(now);
    const std::uint64_t ticket = first_number_ + entries_.size();
    entries_.push_back({server, now + lifetime_});
    ++promised_[server];
    return std::to_string(incarnation_) + '-' + std::to_string(ticket);
}

bool ticket_book::redeem(std::string_view ticket) {
    const auto dash = ticket.find('-');
    if (dash == std::string_view::npos ||
        wire::parse_number<std::uint64_t>(ticket.substr(0, dash)) != incarnation_)
        return false;
    const auto ticket_number = wire::parse_number<std::uint64_t>(ticket.substr(dash + 1));
    if (!ticket_number || *ticket_number < first_number_) return false;
    const std::uint64_t index = *ticket_number - first_number_;
    if (index >= entries_.size() || entries_[index].server == server_id::none) return false;
    release(entries_[index]);
    return true;
}

void ticket_book::expire(time_point now) {
    while (!entries_.empty() &&
           (entries_.front().server == server_id::none || entries_.front().expires <= now)) {
        if (entries_.front().server != server_id::none) release(entries_.front());
        entries_.pop_front();
        ++first_number_;
    }
}

void ticket_book::release(entry& promise) {
    const auto count = promised_.find(promise.server);
    assert(count != promised_.end() && count->second > 0);
    if (--count->second == 0) promised_.erase(count);
    promise.server = server_id::none;
}

std::uint32_t ticket_book::promised(server_id server) const {
    const auto count = promised_.find(server);
    return count == promised_.end() ? 0 : count->second;
}

} // namespace stadion::balancer
