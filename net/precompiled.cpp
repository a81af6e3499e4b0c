// Nothing but a reason to parse precompiled.hpp.
