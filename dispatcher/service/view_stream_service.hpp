// Dispatcher.WatchView: every watcher gets the current view and then each change of it.
//
// A watcher that does not keep up gets the newest view when it can take one. Views between are skipped, since
// a view is complete.
//
// Threading: `publish` on any one worker. Each worker has its own watchers and its own copy of the newest
// view.
#pragma once

#include "net/rpc/call.hpp"

#include <memory>
#include <string>
#include <vector>

namespace stadion::dispatcher {

class view_stream_service {
public:
    explicit view_stream_service(net::runtime& threads);

    // On the worker of the call.
    void watch(std::shared_ptr<net::pending_call> watcher);

    // An encoded v1::View. Must not be called after the runtime has stopped.
    void publish(std::string view);

private:
    using text = std::shared_ptr<const std::string>;
    struct watcher {
        std::shared_ptr<net::pending_call> call;
        text sent;
    };
    struct alignas(64) worker_state {
        text newest;
        std::vector<watcher> watchers;
    };

    static void send(worker_state& where, watcher& to);

    net::runtime& threads_;
    std::vector<std::unique_ptr<worker_state>> workers_; // index: worker
};

} // namespace stadion::dispatcher
