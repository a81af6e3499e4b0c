// Shared objects that belong to a worker, such as a connection or a request that is answered later. Other
// threads may hold a reference, to post an answer, but must not use the object. Whichever thread releases the
// last reference, the object is destroyed on the thread of its worker, unless that thread has ended.
#pragma once

#include "net/loop/runtime.hpp"

#include <memory>

namespace stadion::net {

template <typename T, typename... Args>
std::shared_ptr<T> make_owned_by(worker& home, Args&&... args) {
    const auto destroy = [&home](T* one) {
        std::unique_ptr<T> last(one);
        if (!home.is_current() && !home.has_ended()) home.post([last = std::move(last)] {});
    };
    return std::shared_ptr<T>(new T(std::forward<Args>(args)...), destroy);
}

} // namespace stadion::net
