// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title Credit
/// @notice The coin of a private network: a plain ERC-20 with permit (EIP-2612). The whole supply is born in the
/// constructor and belongs to the faucet account; nobody can mint more.
/// @dev On a public chain the Ledger is deployed over an existing coin instead; nothing there needs this contract.
contract Credit is ERC20, ERC20Permit {
    /// @notice The Ledger counts money in 96 bits; a larger supply could not be deposited as a whole.
    error SupplyTooLarge(uint256 supply, uint256 limit);

    constructor(address faucet, uint256 supply) ERC20("artel credit", "CREDIT") ERC20Permit("artel credit") {
        if (supply > type(uint96).max) revert SupplyTooLarge(supply, type(uint96).max);
        _mint(faucet, supply);
    }

    /// @notice Six, as stable coins have it: prices are whole units per 10⁶ seconds in 64 bits, and both a cent an
    /// hour and a thousand credits an hour must fit.
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
