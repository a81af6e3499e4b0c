// Who is registered here, counted exactly.
//
// A registration belongs to one connection and ends with it. A client that registers again, because its old
// connection died unnoticed, replaces its old registration: the count is of clients, not of connections.
// Pure; threads: any, guarded by one mutex that is held for a few instructions.
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

    // What a connection holds for each client it has registered; its end is the client's.
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

    // RESOURCE_EXHAUSTED when full, INVALID_ARGUMENT for a bad client_id. A ticket is noted as redeemed.
    wire::result<std::shared_ptr<registration>> add(const std::string& client_id, const std::string& ticket);

    std::uint32_t clients() const;
    std::uint32_t capacity() const noexcept { return capacity_; }

    // Count and tickets of one moment, for a heartbeat; tickets stay until they were reported.
    struct census {
        std::uint32_t clients = 0;
        std::vector<std::string> redeemed;
    };
    census take_census() const;
    void reported(const std::vector<std::string>& tickets);

private:
    void remove(const std::string& client_id, std::uint64_t number);

    const std::uint32_t capacity_;
    mutable std::mutex mutex_;
    std::uint64_t next_number_ = 1;
    std::map<std::string, std::uint64_t> clients_; // the number of the registration in force
    std::set<std::string> redeemed_;
};

} // namespace stadion::frontend
