// The engines, for tests that each of them must pass.
#pragma once

#include "dbserver/engine/json_store.hpp"
#include "dbserver/engine/memory_store.hpp"
#include "test/support/store_calls.hpp"
#include "test/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace stadion::dbserver {

using namespace stadion::test;

struct memory_engine {
    std::unique_ptr<store> open(engine_options options) { return std::make_unique<memory_store>(options); }
};

struct json_engine {
    std::unique_ptr<store> open(engine_options options) {
        json_store_options how;
        how.directory = directory.path();
        how.engine = std::move(options);
        how.segment_bytes = 1 << 16;
        how.checkpoint_every = std::chrono::milliseconds(5);
        return std::make_unique<json_store>(std::move(how));
    }
    temporary_directory directory;
};

template <typename Engine>
class every_engine : public ::testing::Test {
public:
    every_engine() {
        options.clock = clock.function();
        opened = engine.open(options);
    }
    outcome commit(v1::Mutation mutation) { return commit_and_wait(*opened, std::move(mutation)); }

    Engine engine;
    manual_clock clock;
    engine_options options;
    std::unique_ptr<store> opened;
};

using engines = ::testing::Types<memory_engine, json_engine>;

} // namespace stadion::dbserver
