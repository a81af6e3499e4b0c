// The engine that keeps nothing on disk. It is for tests of what uses the store, and it shows that the
// interface does not depend on files. A mutation is durable as soon as it is accepted.
#pragma once

#include "dbserver/engine/engine.hpp"

namespace stadion::dbserver {

class memory_store final : public engine {
public:
    explicit memory_store(engine_options options = {}) : engine(std::move(options), false) {
        set_opening(1);
        start();
    }
    ~memory_store() override { stop(); }

private:
    written persist(std::string&, std::uint64_t, std::string&) override { return written::durable; }
    wire::result<std::uint64_t> find_archived(std::uint64_t) const override { return std::uint64_t{0}; }
    wire::result<std::string> read_archive(const table&, std::uint64_t, std::uint32_t) const override {
        return std::string();
    }
};

} // namespace stadion::dbserver
