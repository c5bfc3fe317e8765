// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice Keeps one unit of each transfer, as coins with a fee do.
contract FeeToken is ERC20 {
    constructor(address faucet, uint256 supply) ERC20("fee", "FEE") {
        _mint(faucet, supply);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && value != 0) super._update(to, address(0xFEE), 1);
    }
}

/// @notice Calls back into whoever it is told to in the middle of a transfer, as coins with hooks do.
contract HookToken is ERC20 {
    address public target;
    bytes public call;
    bool public failed;
    bytes public answer;

    constructor(address faucet, uint256 supply) ERC20("hook", "HOOK") {
        _mint(faucet, supply);
    }

    function arm(address target_, bytes calldata call_) external {
        (target, call) = (target_, call_);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (target != address(0)) {
            address t = target;
            target = address(0);
            bool ok;
            (ok, answer) = t.call(call);
            failed = !ok;
        }
        super._update(from, to, value);
    }
}

/// @notice Refuses to move anything to one address, as coins with a blocklist do.
contract BlockingToken is ERC20 {
    address public blocked;

    error Blocked(address who);

    constructor(address faucet, uint256 supply, address blocked_) ERC20("blocking", "BLOCK") {
        _mint(faucet, supply);
        blocked = blocked_;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (to == blocked) revert Blocked(to);
        super._update(from, to, value);
    }
}
