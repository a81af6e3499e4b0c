#include "frontend/registrations.hpp"

#include "wire/names.hpp"

namespace stadion::frontend {
namespace {

constexpr std::size_t tickets_max = 65'536; // not yet reported, while the dispatcher is away

} // namespace

wire::result<std::shared_ptr<registrations::registration>> registrations::add(const std::string& client_id,
                                                                              const std::string& ticket) {
    if (auto fine = wire::check_name("client_id", client_id); !fine) return fine.error();
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        if (!clients_.contains(client_id) && clients_.size() >= capacity_) {
            auto failure = wire::make_error(wire::status::resource_exhausted,
                                            "this front-end has its " + std::to_string(capacity_) +
                                                " clients; ask the dispatcher for another");
            failure.retry_after = std::chrono::milliseconds{100};
            return failure;
        }
        number = next_number_++;
        clients_[client_id] = number;
        if (!ticket.empty() && redeemed_.size() < tickets_max) redeemed_.insert(ticket);
    }
    return std::make_shared<registration>(*this, client_id, number);
}

void registrations::remove(const std::string& client_id, std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    const auto found = clients_.find(client_id);
    if (found != clients_.end() && found->second == number) clients_.erase(found);
}

std::uint32_t registrations::clients() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint32_t>(clients_.size());
}

registrations::counts registrations::take_counts() const {
    const std::lock_guard lock(mutex_);
    return {static_cast<std::uint32_t>(clients_.size()), {redeemed_.begin(), redeemed_.end()}};
}

void registrations::reported(const std::vector<std::string>& tickets) {
    const std::lock_guard lock(mutex_);
    for (const auto& ticket : tickets) redeemed_.erase(ticket);
}

} // namespace stadion::frontend
