// Plays the demo's event into the running fleet, as a scorer would: the medal table at once, then the
// matches, a goal every second or so, until the last one has ended.
//
// Threading: one worker; `start` on it, `stop` on a thread that is not a worker. What cannot be written is
// tried again under the same idempotency key, so the loss of a server shows nothing twice.
#pragma once

#include "net/http/http_client.hpp"
#include "net/loop/task_group.hpp"
#include "net/rpc/link.hpp"
#include "tools/replay/tournament.hpp"

namespace stadion::tools {

class demo_player {
public:
    demo_player(net::worker& home, std::string dispatcher, std::string token);

    void start();
    void stop();

private:
    net::awaitable<void> play();
    net::awaitable<void> load_medals();
    net::awaitable<void> find_front_end();
    net::awaitable<void> write(v1::UpdateScoreByGameRequest update, std::string key);
    net::awaitable<void> pause(std::chrono::milliseconds length);
    net::link_options options() const;

    net::worker& home_;
    std::string dispatcher_;
    std::string token_;
    net::http_client http_;
    std::shared_ptr<net::link> link_;
    net::task_group tasks_;
};

} // namespace stadion::tools
