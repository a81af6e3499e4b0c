// The registered clients of this front-end, counted exactly.
//
// A registration belongs to one connection and ends with it. A client that registers again, because its old
// connection died unnoticed, replaces its old registration. So clients are counted, not connections. Threads:
// any; one mutex, held for a few instructions.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace stadion::frontend {

class registrations {
public:
    explicit registrations(std::uint32_t capacity) : capacity_(capacity) {}

    // Held by the connection that registered the client. Its destruction unregisters the client.
    class registration {
    public:
        registration(registrations& owner, std::string client_id, std::uint64_t number)
            : owner_(owner), client_id_(std::move(client_id)), number_(number) {}
        ~registration() { owner_.remove(client_id_, number_); }
        registration(const registration&) = delete;
        registration& operator=(const registration&) = delete;

    private:
        registrations& owner_;
        std::string client_id_;
        std::uint64_t number_;
    };

    // RESOURCE_EXHAUSTED when full, INVALID_ARGUMENT for a bad client_id. Records the ticket as redeemed.
    wire::result<std::shared_ptr<registration>> add(const std::string& client_id, const std::string& ticket);

    std::uint32_t clients() const;
    std::uint32_t capacity() const noexcept { return capacity_; }

    // A consistent count of clients and redeemed tickets, for a heartbeat. Tickets stay until reported() is
    // called.
    struct counts {
        std::uint32_t clients = 0;
        std::vector<std::string> redeemed;
    };
    counts take_counts() const;
    void reported(const std::vector<std::string>& tickets);

private:
    void remove(const std::string& client_id, std::uint64_t number);

    const std::uint32_t capacity_;
    mutable std::mutex mutex_;
    std::uint64_t next_number_ = 1;
    std::map<std::string, std::uint64_t> clients_; // and the number of their latest registration
    std::set<std::string> redeemed_;
};

} // namespace stadion::frontend
